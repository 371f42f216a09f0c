/**
 * The protobuf wire format, read by range, as far as ONNX files need it.
 *
 * A message is a sequence of fields, each a tag (varint: field number << 3 | wire type) and a value:
 *
 *     WIRE TYPE   VALUE
 *     0           varint: 7 bits a byte, low bits first, the last byte below 0x80; at most 10 bytes
 *     1           8 bytes
 *     2           varint length, then that many bytes: text, a message, or packed numbers
 *     5           4 bytes
 *
 * Source: protobuf.dev, "Encoding". Long values are read only when they are needed: a field has the offsets of its bytes.
 * Lengths are checked against the enclosing message, so no field can be longer than the file.
 */
import { WeightsError } from '../src/base/errors.ts';
import { decodeUtf8, type WeightSource } from '../src/checkpoint/source.ts';

export interface Field {
  readonly number: number;
  readonly wire: 0 | 1 | 2 | 5;
  /** The number of a varint (as u64), else 0n. */
  readonly value: bigint;
  /** Byte offsets of the value in the file. */
  readonly begin: number;
  readonly end: number;
}

const WINDOW_BYTES = 2 ** 16;
/** Most fields that are looked at before any of them is used. */
const MAX_RUN = 4096;
/** Longest tag and length together. */
const MAX_HEAD_BYTES = 20;

export class ProtoReader {
  readonly #source: WeightSource;
  readonly #signal: AbortSignal | undefined;
  #window = new Uint8Array();
  #windowBegin = 0;

  constructor(source: WeightSource, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  /**
   * The fields of the message in bytes `begin` to `end`, in runs: as many at once as one window shows, because waiting for
   * each would take most of the time.
   * @throws {WeightsError} `badProtobuf`
   */
  async *fields(begin = 0, end = this.#source.size): AsyncGenerator<readonly Field[]> {
    let at = begin;
    while (at < end) {
      await this.#load(at, Math.min(end, at + MAX_HEAD_BYTES));
      const windowEnd = this.#windowBegin + this.#window.length;
      const run: Field[] = [];
      do {
        const field = this.#field(at, end);
        run.push(field);
        at = field.end;
      } while (at < end && run.length < MAX_RUN && Math.min(end, at + MAX_HEAD_BYTES) <= windowEnd);
      yield run;
    }
  }

  /** The field whose tag is at `start`; its head is in the window. */
  #field(start: number, end: number): Field {
    const tag = this.#varint(start, end);
    let at = tag.next;
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    let value = 0n;
    let length = 0;
    if (wire === 0) {
      const varint = this.#varint(at, end);
      ({ value } = varint);
      length = varint.next - at;
    } else if (wire === 1) {
      length = 8;
    } else if (wire === 5) {
      length = 4;
    } else if (wire === 2) {
      const varint = this.#varint(at, end);
      at = varint.next;
      // A number above 2^53 is not exact, but far beyond the end anyway.
      length = Number(varint.value);
    } else {
      throw this.#bad(start, `has the wire type ${wire}`);
    }
    if (number < 1 || number >= 2 ** 29) throw this.#bad(start, `has the number ${number}`);
    if (length > end - at) throw this.#bad(start, `needs ${length} bytes, its message has ${end - at} left`);
    return { number, wire: wire as Field['wire'], value, begin: at, end: at + length }; // 3, 4, 6, 7 have thrown
  }

  /** The bytes of a field. */
  async bytes(field: Field, signal = this.#signal): Promise<Uint8Array<ArrayBuffer>> {
    const inWindow = field.begin - this.#windowBegin;
    if (inWindow >= 0 && field.end - this.#windowBegin <= this.#window.length) {
      return this.#window.slice(inWindow, field.end - this.#windowBegin);
    }
    return this.#source.read(field.begin, field.end, signal);
  }

  async text(field: Field): Promise<string> {
    if (field.end - field.begin > 2 ** 16) throw this.#bad(field.begin, 'is a text longer than 64 KiB');
    return decodeUtf8(`a text at byte ${field.begin} of ${this.#source.name}`, await this.bytes(field));
  }

  /** Numbers of a repeated varint field: one, or packed. */
  async varints(field: Field): Promise<readonly bigint[]> {
    if (field.wire === 0) return [field.value];
    if (field.wire !== 2) throw this.#bad(field.begin, 'is not a varint');
    const values: bigint[] = [];
    for (let at = field.begin; at < field.end; ) {
      await this.#load(at, Math.min(field.end, at + MAX_HEAD_BYTES));
      const { value, next } = this.#varint(at, field.end);
      values.push(value);
      at = next;
    }
    return values;
  }

  /** Numbers of a repeated f32 field: one, or packed. */
  async floats(field: Field): Promise<Float32Array<ArrayBuffer>> {
    const length = field.end - field.begin;
    if ((field.wire !== 5 && field.wire !== 2) || length % 4 !== 0)
      throw this.#bad(field.begin, 'does not contain f32 numbers');
    return new Float32Array((await this.bytes(field)).buffer);
  }

  /** Makes sure that bytes `begin` to `end`, which must be few, are in the window. */
  async #load(begin: number, end: number): Promise<void> {
    const has = begin >= this.#windowBegin && end <= this.#windowBegin + this.#window.length;
    if (has) return;
    this.#window = await this.#source.read(begin, Math.min(this.#source.size, begin + WINDOW_BYTES), this.#signal);
    this.#windowBegin = begin;
  }

  #varint(at: number, end: number): { readonly value: bigint; readonly next: number } {
    // Without BigInt for numbers below 2^28, which nearly all are.
    let small = 0;
    for (let i = 0; i < 4 && at + i < end; i++) {
      const byte = this.#window[at + i - this.#windowBegin]!;
      small |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return { value: BigInt(small), next: at + i + 1 };
    }
    let value = 0n;
    for (let i = 0; i < 10 && at + i < end; i++) {
      const byte = this.#window[at + i - this.#windowBegin]!;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at + i + 1 };
    }
    throw this.#bad(at, 'is a varint without an end');
  }

  #bad(at: number, what: string): WeightsError {
    return new WeightsError('badProtobuf', `The field at byte ${at} of ${this.#source.name} ${what}.`, {
      hint: 'The file is damaged or not an ONNX file: fetch it again.',
    });
  }
}
