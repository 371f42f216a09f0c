/** The outline of the recording, drawn by wavesurfer.js from peaks: it never reads or decodes the file. */
import WaveSurfer from 'wavesurfer.js';
import type { Peaks } from '../transcriptDocument.ts';

/** @returns what takes it away again */
export function drawWaveform(container: HTMLElement, media: HTMLAudioElement, peaks: Peaks): () => void {
  // A canvas does not know light-dark(): the page's own element says what the colours are just now.
  const colours = (): { waveColor: string; progressColor: string } => {
    const { color, outlineColor } = getComputedStyle(container);
    return { waveColor: color, progressColor: outlineColor };
  };
  const wave = WaveSurfer.create({
    container,
    media,
    peaks: [peaks.values],
    duration: peaks.duration,
    height: 'auto',
    interact: false,
    cursorWidth: 2,
    barWidth: 2,
    barGap: 1,
    barRadius: 2,
    normalize: true,
    hideScrollbar: true,
    ...colours(),
  });
  adoptStyles(wave);
  const repaint = (): void => wave.setOptions(colours());
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', repaint);
  const theme = new MutationObserver(repaint);
  theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    scheme.removeEventListener('change', repaint);
    theme.disconnect();
    wave.destroy();
  };
}

/** A policy that forbids `<style>` lets a constructed sheet pass: wavesurfer's own is put into one. */
function adoptStyles(wave: WaveSurfer): void {
  const root = wave.getWrapper().getRootNode();
  if (!(root instanceof ShadowRoot)) return;
  const style = root.querySelector('style');
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style?.textContent ?? '');
  root.adoptedStyleSheets = [sheet];
  style?.remove();
}
