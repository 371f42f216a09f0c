/** An edit made for one case's sizes, in the code of another case. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KernelError } from '../../src/base/errors.ts';
import { carryEdit } from '../../src/lab/carryEdit.ts';
import { diff } from '../../src/lab/wgslDiff.ts';
import { throws } from '../support/throws.ts';

const test = suite('lab/carryEdit');

const code = (n: number, extra = ''): string => `fn main(i: u32) {
  // Every column.
  for (var k = i; k < ${n}u; k += 64u) { y[k] = 2f * x[k];${extra} }
}`;
const sizes = { rows: 3, nState: 8 };
const carry = (edited: string, other = code(8)): string => carryEdit(code(77), edited, other, sizes);

test('what is not edited is the text of the other case', () => {
  assert.is(carry(code(77)), code(8));
});

test('for its own case an edit stands as it was written', () => {
  const edited = code(77).replace('k < 77u', 'k<76u');
  assert.is(carry(edited, code(77)), edited);
});

test('what is added beside a size stays beside it', () => {
  assert.is(carry(code(77).replace('77u', '77u - 1u')), code(8).replace('8u', '8u - 1u'));
});

test('a number that is the same for both is replaced', () => {
  assert.is(
    carry(code(77).replace('2f', '3.5f').replace('64u', '32u')),
    code(8).replace('2f', '3.5f').replace('64u', '32u'),
  );
});

test('a number that comes from sizes is replaced by a name only', async () => {
  const error = await throws(
    KernelError,
    'edit',
    () => carry(code(77).replace('77u', '76u')),
    /76u in place of 77u.*is 8u/,
  );
  assert.match(error.hint ?? '', 'nState');
  assert.is(carry(code(77).replace('77u', 'nState - 1')), `const nState = 8; ${code(8).replace('8u', 'nState - 1')}`);
});

test('edits in front of, within and after a branch that the other case lacks', () => {
  const branchy = (n: number, b: string): string => code(n, b);
  const first = branchy(77, ' y[k] += bias[k];');
  const edited = first.replace('2f', '4f').replace('bias[k]', 'bias[k] * 2f');
  assert.is(carryEdit(first, edited, code(8), sizes), code(8).replace('2f', '4f'));
  // And the other way round: the branch stays.
  assert.is(
    carryEdit(code(77), code(77).replace('2f', '4f'), branchy(8, ' y[k] += bias[k];'), sizes),
    branchy(8, ' y[k] += bias[k];').replace('2f', '4f'),
  );
});

test('new code stands as it is, with the sizes that it names', () => {
  const fresh =
    '@compute @workgroup_size(1) fn main() { var s = 0f; while (s < nState) { s += 1f; } y[0] = s / rows; }';
  assert.is(carry(fresh), `const rows = 3; const nState = 8; ${fresh}`);
});

test('the shortest way from one list to another', () => {
  const apply = (a: string, b: string): string => {
    let [made, next] = ['', 0];
    for (const { from, to, secondFrom, secondTo } of diff([...a], [...b])) {
      made += a.slice(next, from) + b.slice(secondFrom, secondTo);
      next = to;
    }
    return made + a.slice(next);
  };
  for (const a of ['', 'a', 'abcabba', 'xaxbxc', 'aaaa', 'kitten'])
    for (const b of ['', 'b', 'cbabac', 'abc', 'aa', 'sitting']) assert.is(apply(a, b), b, `${a} to ${b}`);
  const [first, ...more] = diff([...'abcabba'], [...'abcabbxa']);
  assert.equal([first, more], [{ from: 6, to: 6, secondFrom: 6, secondTo: 7 }, []]);
});

test.run();
