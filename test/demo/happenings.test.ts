import { describe, expect, it } from 'vitest';
import { DidNotHappen, Happenings } from '../../demo/happenings.ts';

describe('Happenings', () => {
  it('finds what has happened and what is to come', async () => {
    const list = new Happenings<number>();
    list.add(1);
    expect(await list.first('one', (n) => n === 1)).toBe(1);
    const two = list.first('two', (n) => n === 2);
    list.add(2);
    expect(await two).toBe(2);
  });

  it('does not take what was before for what is waited for', async () => {
    const list = new Happenings<number>();
    list.add(1);
    const again = list.first('one again', (n) => n === 1, { since: list.now, limitMs: 10 });
    await expect(again).rejects.toThrow(DidNotHappen);
  });

  it('tells whoever waits, and whoever comes later, that nothing more will happen', async () => {
    const list = new Happenings<number>();
    const waiting = list.first('one', () => true);
    list.end(new Error('over'));
    await expect(waiting).rejects.toThrow('over');
    await expect(list.first('two', () => true)).rejects.toThrow('over');
  });
});
