/**
 * What a value is, by its tag and not by its class: an array of another realm (an iframe, a vm context) is no `instanceof`
 * of ours.
 */

/** What the built-in classes say that they are; typed arrays cannot say anything else. */
export interface Tags {
  readonly Float32Array: Float32Array;
  readonly Int16Array: Int16Array;
  readonly Int32Array: Int32Array;
  readonly Float64Array: Float64Array;
  readonly Uint8Array: Uint8Array;
  readonly DataView: DataView;
  readonly ArrayBuffer: ArrayBuffer;
  readonly SharedArrayBuffer: SharedArrayBuffer;
  readonly URL: URL;
  readonly Blob: Blob;
  readonly File: Blob;
  readonly Response: Response;
}

/** `Float32Array`, `Null`, `Object` ... @see ECMA-262, Object.prototype.toString */
export function tagOf(given: unknown): string {
  return Object.prototype.toString.call(given).slice('[object '.length, -1);
}

export function isTagged<Tag extends keyof Tags>(given: unknown, tag: Tag): given is Tags[Tag] {
  return tagOf(given) === tag;
}
