/**
 * The web standards that Node, Deno and browsers share, as far as the core uses them: the core is compiled without the
 * types of any of them (`tsconfig.core.json`), so that nothing of one runtime gets in.
 *
 * Nothing is emitted for this file, and no declaration refers to it: users see their own runtime's types.
 */

interface SymbolConstructor {
  readonly asyncDispose: unique symbol;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What @webgpu/types build GPUUncapturedErrorEvent on. */
interface Event {
  preventDefault(): void;
}

declare class Blob {
  constructor(parts: readonly Uint8Array<ArrayBuffer>[]);
  readonly size: number;
  slice(begin: number, end: number): Blob;
  arrayBuffer(): Promise<ArrayBuffer>;
}

declare class URL {
  constructor(url: string, base: string);
  readonly href: string;
}

interface ImportMeta {
  readonly url: string;
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label: 'utf-8', options: { readonly ignoreBOM: boolean; readonly fatal?: boolean });
  decode(bytes?: Uint8Array, options?: { readonly stream: boolean }): string;
}

declare function fetch(
  url: string,
  options: {
    readonly method: string;
    readonly redirect: 'follow' | 'manual';
    readonly headers: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
): Promise<Response>;

interface Response {
  readonly status: number;
  readonly headers: Headers;
  readonly url: string;
  readonly body: ReadableStream | null;
}

interface Headers {
  get(name: string): string | null;
}

interface ReadableStream {
  getReader(): ReadableStreamReader;
  cancel(): Promise<void>;
}

interface ReadableStreamReader {
  read(): Promise<{ readonly done: false; readonly value: Uint8Array<ArrayBuffer> } | { readonly done: true }>;
  cancel(): Promise<void>;
}

declare const crypto: {
  readonly subtle: { digest(algorithm: 'SHA-256', bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> };
};

declare const performance: { now(): number };

interface Timer {
  readonly timer: unique symbol;
}

/** Called without an argument: a promise's `resolve` is taken too. */
declare function setTimeout(callback: (nothing?: undefined) => void, milliseconds: number): Timer;
declare function clearTimeout(timer: Timer | undefined): void;
declare function queueMicrotask(callback: () => void): void;

declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { readonly initial: number; readonly maximum: number; readonly shared?: boolean });
    /** A SharedArrayBuffer when the memory is shared; typed as in lib.dom. */
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports: { readonly env: { readonly memory: Memory } });
    readonly exports: Readonly<Record<string, unknown>>;
  }
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
