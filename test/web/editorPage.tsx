/** The editor by itself, for `editor.test.ts`: a document of made-up segments and a recording that is a tone. */
import { render } from 'preact';
import type { Segment } from 'sotto/core';
import { PeaksBuilder } from '../../web/page/editor/peaks.ts';
import { Transcript } from '../../web/page/editor/transcript.tsx';
import { createDocument, pageSegment, type TranscriptDocument } from '../../web/page/transcriptDocument.ts';

export interface EditorOrder {
  readonly segments: readonly Segment[];
  /** Seconds of sound; 0: none. */
  readonly seconds: number;
}

declare global {
  interface Window {
    openEditor: (order: EditorOrder) => void;
    editorDocument: TranscriptDocument;
  }
}

const SAMPLE_RATE = 8000;

window.openEditor = ({ segments, seconds }) => {
  const document = createDocument('talk', { model: 'tiny', options: {} });
  const last = segments.at(-1);
  document.language.value = 'en';
  document.segments.value = segments.map(pageSegment);
  document.summary.value = {
    text: segments.map(({ text }) => text).join(''),
    language: 'en',
    task: 'transcribe',
    duration: last?.end ?? 0,
  };
  if (seconds > 0) {
    const samples = tone(seconds);
    const builder = new PeaksBuilder(SAMPLE_RATE);
    builder.push(samples);
    document.peaks.value = builder.peaks();
    document.audio.value = wav(samples);
  }
  window.editorDocument = document;
  const root = window.document.getElementById('root')!; // stands in the page that the test serves
  render(<Transcript document={document} />, root);
};

/** As loud as speech, now and then. */
function tone(seconds: number): Float32Array {
  return Float32Array.from({ length: seconds * SAMPLE_RATE }, (_, i) => {
    const time = i / SAMPLE_RATE;
    const loudness = 0.08 + 0.3 * Math.sin(2.1 * time) ** 2 * Math.sin(0.37 * time + 1) ** 2;
    return loudness * Math.sin(2 * Math.PI * 220 * time);
  });
}

function wav(samples: Float32Array): Blob {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at: number, value: string): void => {
    for (let i = 0; i < value.length; i++) bytes.setUint8(at + i, value.charCodeAt(i));
  };
  text(0, 'RIFF');
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  text(8, 'WAVEfmt ');
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, SAMPLE_RATE, true);
  bytes.setUint32(28, 2 * SAMPLE_RATE, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, 'data');
  bytes.setUint32(40, 2 * samples.length, true);
  for (const [i, sample] of samples.entries()) bytes.setInt16(44 + 2 * i, Math.round(32767 * sample), true);
  return new Blob([bytes], { type: 'audio/wav' });
}
