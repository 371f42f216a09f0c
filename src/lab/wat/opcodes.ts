/**
 * The instructions that kernels emit (engine/wasm), by opcode: how the text format calls them, what follows them in the
 * binary format, how many operands they take and whether they leave a value.
 */

/** `memory`: alignment and offset; `lane`: one index; `lanes`: sixteen; `memoryLane`: both of those before. */
export type Immediate = 'none' | 'memory' | 'lane' | 'memoryLane' | 'lanes' | 'i32' | 'f32' | 'v128';

export interface Opcode {
  readonly name: string;
  readonly immediate: Immediate;
  readonly operands: number;
  readonly hasResult: boolean;
  /** Base-2 logarithm of the bytes that it reads or writes: the alignment that the text need not say. */
  readonly align: number;
}

type Row = readonly [code: number, name: string, align?: number];

function opcodes(
  rows: readonly Row[],
  operands: number,
  hasResult = true,
  immediate: Immediate = 'none',
): readonly (readonly [number, Opcode])[] {
  return rows.map(([code, name, align = 0]) => [code, { name, immediate, operands, hasResult, align }]);
}

/** Of one byte. */
export const PLAIN: ReadonlyMap<number, Opcode> = new Map([
  ...opcodes([[0x00, 'unreachable']], 0, false),
  ...opcodes([[0x41, 'i32.const']], 0, true, 'i32'),
  ...opcodes([[0x43, 'f32.const']], 0, true, 'f32'),
  ...opcodes(
    [
      [0x28, 'i32.load', 2],
      [0x2a, 'f32.load', 2],
      [0x2c, 'i32.load8_s', 0],
      [0x2d, 'i32.load8_u', 0],
      [0x2f, 'i32.load16_u', 1],
    ],
    1,
    true,
    'memory',
  ),
  ...opcodes(
    [
      [0x36, 'i32.store', 2],
      [0x38, 'f32.store', 2],
    ],
    2,
    false,
    'memory',
  ),
  ...opcodes(
    [
      [0x45, 'i32.eqz'],
      [0x68, 'i32.ctz'],
      [0xb2, 'f32.convert_i32_s'],
      [0xb3, 'f32.convert_i32_u'],
      [0xbe, 'f32.reinterpret_i32'],
    ],
    1,
  ),
  ...opcodes(
    [
      [0x46, 'i32.eq'],
      [0x47, 'i32.ne'],
      [0x48, 'i32.lt_s'],
      [0x49, 'i32.lt_u'],
      [0x4a, 'i32.gt_s'],
      [0x4c, 'i32.le_s'],
      [0x4e, 'i32.ge_s'],
      [0x4f, 'i32.ge_u'],
      [0x5b, 'f32.eq'],
      [0x5c, 'f32.ne'],
      [0x5e, 'f32.gt'],
      [0x6a, 'i32.add'],
      [0x6b, 'i32.sub'],
      [0x6c, 'i32.mul'],
      [0x6e, 'i32.div_u'],
      [0x70, 'i32.rem_u'],
      [0x71, 'i32.and'],
      [0x72, 'i32.or'],
      [0x73, 'i32.xor'],
      [0x74, 'i32.shl'],
      [0x75, 'i32.shr_s'],
      [0x76, 'i32.shr_u'],
      [0x92, 'f32.add'],
      [0x93, 'f32.sub'],
      [0x94, 'f32.mul'],
      [0x95, 'f32.div'],
      [0x97, 'f32.max'],
    ],
    2,
  ),
]);

/** Behind the prefix 0xfd. */
export const VECTOR: ReadonlyMap<number, Opcode> = new Map([
  ...opcodes([[12, 'v128.const']], 0, true, 'v128'),
  ...opcodes(
    [
      [0, 'v128.load', 4],
      [1, 'v128.load8x8_s', 3],
      [3, 'v128.load16x4_s', 3],
      [9, 'v128.load32_splat', 2],
      [10, 'v128.load64_splat', 3],
      [92, 'v128.load32_zero', 2],
    ],
    1,
    true,
    'memory',
  ),
  ...opcodes([[86, 'v128.load32_lane', 2]], 2, true, 'memoryLane'),
  ...opcodes([[11, 'v128.store', 4]], 2, false, 'memory'),
  ...opcodes(
    [
      [89, 'v128.store16_lane', 1],
      [90, 'v128.store32_lane', 2],
      [91, 'v128.store64_lane', 3],
    ],
    2,
    false,
    'memoryLane',
  ),
  ...opcodes([[13, 'i8x16.shuffle']], 2, true, 'lanes'),
  ...opcodes([[31, 'f32x4.extract_lane']], 1, true, 'lane'),
  ...opcodes(
    [
      [17, 'i32x4.splat'],
      [19, 'f32x4.splat'],
      [83, 'v128.any_true'],
      [106, 'f32x4.nearest'],
      [135, 'i16x8.extend_low_i8x16_s'],
      [164, 'i32x4.bitmask'],
      [167, 'i32x4.extend_low_i16x8_s'],
      [224, 'f32x4.abs'],
      [225, 'f32x4.neg'],
      [227, 'f32x4.sqrt'],
      [250, 'f32x4.convert_i32x4_s'],
    ],
    1,
  ),
  ...opcodes(
    [
      [55, 'i32x4.eq'],
      [57, 'i32x4.lt_s'],
      [59, 'i32x4.gt_s'],
      [63, 'i32x4.ge_s'],
      [65, 'f32x4.eq'],
      [70, 'f32x4.ge'],
      [78, 'v128.and'],
      [79, 'v128.andnot'],
      [80, 'v128.or'],
      [81, 'v128.xor'],
      [133, 'i16x8.narrow_i32x4_s'],
      [134, 'i16x8.narrow_i32x4_u'],
      [171, 'i32x4.shl'],
      [172, 'i32x4.shr_s'],
      [173, 'i32x4.shr_u'],
      [174, 'i32x4.add'],
      [177, 'i32x4.sub'],
      [186, 'i32x4.dot_i16x8_s'],
      [228, 'f32x4.add'],
      [229, 'f32x4.sub'],
      [230, 'f32x4.mul'],
      [231, 'f32x4.div'],
      [234, 'f32x4.pmin'],
      [235, 'f32x4.pmax'],
    ],
    2,
  ),
  ...opcodes(
    [
      [82, 'v128.bitselect'],
      [0x105, 'f32x4.relaxed_madd'],
    ],
    3,
  ),
]);
