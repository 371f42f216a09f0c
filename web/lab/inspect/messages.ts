/** What the inspection's view and its worker say to each other. */
export interface InspectWish {
  /** A name, or the address of a folder. */
  readonly model: string;
  readonly audio: Blob;
  /** Seconds; the window with them. */
  readonly at: number;
  /** Of the decoder, from 0: the head whose attention is drawn. */
  readonly layer: number;
  readonly head: number;
  readonly beams: number;
}

export interface Drawing {
  readonly title: string;
  /** Empty where there is nothing to draw. */
  readonly svg: string;
}

export interface Inspected {
  readonly text: string;
  readonly span: string;
  readonly drawings: readonly Drawing[];
}

export type FromInspector =
  | { readonly kind: 'stage'; readonly text: string }
  | { readonly kind: 'done'; readonly inspected: Inspected }
  | { readonly kind: 'failed'; readonly message: string };
