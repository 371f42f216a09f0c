/** Scratch tensors share memory only while one of them is of no use, and take little of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../src/base/random.ts';
import { defineKernel } from '../../src/engine/kernel.ts';
import { planScratch } from '../../src/engine/plan.ts';
import { byteLength, type Program, record, type Tensor, uses } from '../../src/engine/program.ts';

const test = suite('plan of scratch memory');

const add = defineKernel({
  name: 'add',
  args: {
    a: { access: 'read', dtype: 'f32', dims: ['n'] },
    b: { access: 'read', dtype: 'f32', dims: ['m'] },
    y: { access: 'write', dtype: 'f32', dims: ['k'] },
  },
  params: {},
  cost: () => ({ flops: 1, bytes: 1 }),
  variants: {},
});

const total = (program: Program): number => planScratch(program).blockBytes.reduce((sum, bytes) => sum + bytes, 0);

test('an encoder layer takes what it needs at its widest', () => {
  const unit = 100;
  const program = record('layer', (p) => {
    const x: Tensor = { name: 'x', dtype: 'f32', shape: [unit], lifetime: 'state' };
    const normed = p.scratch('normed', 'f32', [unit]);
    p.run(add, { a: x, b: x, y: normed });
    const qkv = p.scratch('qkv', 'f32', [3 * unit]);
    p.run(add, { a: normed, b: x, y: qkv });
    const attended = p.scratch('attended', 'f32', [unit]);
    p.run(add, { a: qkv, b: qkv, y: attended });
    const out = p.scratch('out', 'f32', [unit]);
    p.run(add, { a: attended, b: x, y: out });
    const again = p.scratch('normed again', 'f32', [unit]);
    p.run(add, { a: out, b: out, y: again });
    const hidden = p.scratch('hidden', 'f32', [4 * unit]);
    p.run(add, { a: again, b: again, y: hidden });
    p.run(add, { a: hidden, b: out, y: x });
  });
  assert.is(total(program), 4 * 6 * unit);
});

test('two whose lives touch are in different blocks, and a block holds its tenants', () => {
  const random = randomStream(11);
  for (let round = 0; round < 50; round++) {
    const program = record('random', (p) => {
      const made = [p.scratch('first', 'f32', [1 + Math.floor(random() * 50)])];
      const drawn = (): Tensor => made[Math.floor(random() * made.length)]!;
      for (let i = 0; i < 20; i++) {
        const y = p.scratch(`y${i}`, 'f32', [1 + Math.floor(random() * 50)]);
        p.run(add, { a: drawn(), b: drawn(), y });
        made.push(y);
      }
    });
    const { blockBytes, blockOf } = planScratch(program);
    const lives = new Map<Tensor, [number, number]>();
    for (const [i, command] of program.commands.entries())
      for (const { tensor } of uses(command)) lives.set(tensor, [lives.get(tensor)?.[0] ?? i, i]);
    for (const [a, [aFirst, aLast]] of lives) {
      assert.ok(byteLength(a) <= blockBytes[blockOf.get(a)!]!);
      for (const [b, [bFirst, bLast]] of lives)
        if (a !== b && aFirst <= bLast && bFirst <= aLast) assert.is.not(blockOf.get(a), blockOf.get(b));
    }
  }
});

test('of rows that are never live nothing is kept', () => {
  const copy = defineKernel({
    name: 'copy',
    args: {
      x: { access: 'read', dtype: 'f32', dims: ['rows', 'n'] },
      table: { access: 'read', dtype: 'f32', dims: ['n', 'm'] },
      y: { access: 'write', dtype: 'f32', dims: ['rows', 'n'] },
    },
    params: {},
    cost: () => ({ flops: 1, bytes: 1 }),
    variants: {},
  });
  const sizeOf = (maxRows?: number): number =>
    total(
      record(
        'few',
        (p) => {
          const [x, y] = [p.scratch('x', 'f32', [100, 7]), p.scratch('y', 'f32', [100, 7])];
          p.run(copy, { x, table: p.scratch('table', 'f32', [7, 50]), y });
        },
        maxRows === undefined ? {} : { maxRows },
      ),
    );
  assert.is(sizeOf(), 4 * (2 * 700 + 350));
  assert.is(sizeOf(3), 4 * (2 * 21 + 350));
  assert.is(sizeOf(1000), sizeOf());
});

test.run();
