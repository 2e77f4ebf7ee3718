import fs from 'node:fs';
import path from 'node:path';
import { charts } from './charts.ts';
import { layOut } from './layout.ts';
import { indexOf, markdownOf } from './markdown.ts';
import { modelOf } from './model.ts';
import { linesOfRoot } from './picture.ts';
import { draw } from './svg.ts';

/**
 * Writes docs/statecharts from the machines that run: a picture and a text for each, and an index.
 * With --check it writes nothing and exits with 1 when something there is not what it would write.
 */
const FOLDER = path.join(import.meta.dirname, '../../docs/statecharts');

async function generate(): Promise<Map<string, string>> {
  const files = new Map<string, string>([['README.md', indexOf(charts)]]);
  for (const chart of charts) {
    const model = modelOf(chart.machine);
    const layout = await layOut(model, chart.upwards);
    files.set(`${chart.name}.svg`, draw(chart, model, linesOfRoot(model), layout));
    files.set(`${chart.name}.md`, markdownOf(chart, model));
  }
  return files;
}

const read = (name: string): string | undefined => {
  const file = path.join(FOLDER, name);
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
};

const files = await generate();
const stale = [...files].filter(([name, text]) => read(name) !== text).map(([name]) => name);
const foreign = fs.existsSync(FOLDER) ? fs.readdirSync(FOLDER).filter((name) => !files.has(name)) : [];

if (process.argv.includes('--check')) {
  for (const name of stale) console.error(`docs/statecharts/${name} is stale`);
  for (const name of foreign) console.error(`docs/statecharts/${name} belongs to no chart`);
  if (stale.length + foreign.length > 0) {
    console.error('Run: node scripts/statecharts/generate.ts');
    process.exitCode = 1;
  }
} else {
  fs.mkdirSync(FOLDER, { recursive: true });
  for (const name of stale) fs.writeFileSync(path.join(FOLDER, name), files.get(name)!);
  for (const name of foreign) fs.rmSync(path.join(FOLDER, name));
  console.log(stale.length > 0 ? `written: ${stale.join(', ')}` : 'everything is as it should be');
}
