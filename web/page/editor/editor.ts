/** What the editor knows beside the document: what is edited, what is looked for, what can be undone. */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { PageSegment, TranscriptDocument } from '../transcriptDocument.ts';
import { type FindOptions, findMatches, type Match, replaceAll, replaceOne } from './find.ts';
import { History } from './history.ts';
import { Player } from './player.ts';
import { type Spot, spotAt, spotsOf } from './timeline.ts';

type Segments = readonly PageSegment[];

export class Editor {
  readonly document: TranscriptDocument;
  readonly player: Player = new Player();
  /** Id of the segment that is edited. */
  readonly editing: Signal<number | undefined> = signal(undefined);
  /** The page scrolls with the sound, until the reader scrolls. */
  readonly isFollowing: Signal<boolean> = signal(true);
  readonly openDialog: Signal<'export' | 'keys' | undefined> = signal(undefined);
  readonly isFinding: Signal<boolean> = signal(false);
  readonly find: Signal<FindOptions> = signal({ query: '', matchCase: false, wholeWord: false });
  readonly matches: ReadonlySignal<readonly Match[]>;
  /** Place in `matches`; they may have become fewer. */
  readonly currentMatch: Signal<number> = signal(0);
  readonly spots: ReadonlySignal<readonly Spot[]>;
  /** Place in `spots` of what is spoken now, or -1. */
  readonly spoken: ReadonlySignal<number>;
  readonly canUndo: Signal<boolean> = signal(false);
  readonly canRedo: Signal<boolean> = signal(false);
  /** For screen readers. */
  readonly message: Signal<string> = signal('');
  readonly #history = new History<PageSegment>();
  readonly #stops: (() => void)[] = [];

  constructor(document: TranscriptDocument) {
    this.document = document;
    this.matches = computed(() => (this.isFinding.value ? findMatches(document.segments.value, this.find.value) : []));
    this.spots = computed(() => spotsOf(document.segments.value));
    this.spoken = computed(() => (document.audio.value ? spotAt(this.spots.value, this.player.time.value) : -1));
    this.#stops.push(
      effect(() => this.player.open(document.audio.value)),
      effect(() => {
        const duration = document.peaks.value?.duration ?? 0;
        if (this.player.duration.peek() === 0) this.player.duration.value = duration;
      }),
    );
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.player.close();
  }

  /** Makes a change that can be undone; the same list is none. */
  change(next: Segments): boolean {
    const { segments } = this.document;
    if (next === segments.value) return false;
    this.#history.record(segments.value, next);
    this.#show(next);
    return true;
  }

  undo(): void {
    this.#step(this.#history.undo(this.document.segments.value), 'Undone.', 'There is nothing to undo.');
  }

  redo(): void {
    this.#step(this.#history.redo(this.document.segments.value), 'Done again.', 'There is nothing to do again.');
  }

  /** Place in the list; -1 if it is gone. */
  placeOf(id: number): number {
    return this.document.segments.value.findIndex((segment) => segment.id === id);
  }

  /** To the next match, or back; from the last to the first. */
  stepMatch(by: 1 | -1): void {
    const count = this.matches.value.length;
    if (count > 0) this.currentMatch.value = (Math.min(this.currentMatch.value, count - 1) + by + count) % count;
  }

  replaceCurrent(replacement: string): void {
    const at = Math.min(this.currentMatch.value, this.matches.value.length - 1);
    const match = this.matches.value[at];
    if (!match) return;
    this.change(replaceOne(this.document.segments.value, match, replacement));
    // What was put in may match again: the next is the first after it.
    const end = match.start + replacement.length;
    const next = this.matches.value.findIndex(
      ({ segment, start }) => segment > match.segment || (segment === match.segment && start >= end),
    );
    this.currentMatch.value = Math.max(0, next);
    this.message.value = `Replaced. ${this.matches.value.length} left.`;
  }

  replaceEach(replacement: string): void {
    const count = this.matches.value.length;
    this.change(replaceAll(this.document.segments.value, this.find.value, replacement));
    this.message.value = `${count} replaced.`;
  }

  #step(next: Segments, done: string, none: string): void {
    this.message.value = next === this.document.segments.value ? none : done;
    this.editing.value = undefined;
    this.#show(next);
  }

  #show(next: Segments): void {
    this.document.segments.value = next;
    this.canUndo.value = this.#history.canUndo;
    this.canRedo.value = this.#history.canRedo;
  }
}
