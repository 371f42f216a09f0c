/** WGSL: reductions over the threads that work for one row of a step. */

/**
 * `fn NAME(value: TYPE, i: u32) -> TYPE`: combines the values of the `each` neighbouring threads (a power of two) of a team, for all of
 * them, in two rounds as `groupReduce` does; i is the local invocation index.
 *
 * @param combine an expression of `a` and `b`
 */
export function teamReduce(name: string, threads: number, each: number, type: string, combine: string): string {
  const few = Math.min(16, each);
  return /* wgsl */ `
var<workgroup> ${name}All: array<${type}, ${threads}>;
var<workgroup> ${name}Few: array<${type}, ${(threads / each) * few}>;
fn ${name}Of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(value: ${type}, i: u32) -> ${type} {
  let team = i / ${each}u;
  ${name}All[i] = value;
  workgroupBarrier();
  if (i % ${each}u < ${few}u) {
    var some = ${name}All[i];
    for (var s = i + ${few}u; s < (team + 1u) * ${each}u; s += ${few}u) { some = ${name}Of(some, ${name}All[s]); }
    ${name}Few[team * ${few}u + i % ${each}u] = some;
  }
  workgroupBarrier();
  var whole = ${name}Few[team * ${few}u];
  for (var s = 1u; s < ${few}u; s++) { whole = ${name}Of(whole, ${name}Few[team * ${few}u + s]); }
  return whole;
}
`;
}
