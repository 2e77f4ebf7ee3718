import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'vitest';

it('src/generated is what proto/ says', () => {
  const script = join(import.meta.dirname, '../../scripts/checkGenerated.ts');
  execFileSync(process.execPath, [script], { stdio: 'pipe' });
});
