/** The player: waveform, play and skip, time, speed. */
import { useComputed, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { clock } from '../times.ts';
import type { Editor } from './editor.ts';
import { IconButton } from './icon.tsx';
import { SPEEDS } from './player.ts';
import { drawWaveform } from './waveform.ts';

export function PlayerBar({ editor }: { readonly editor: Editor }): JSX.Element | null {
  const { player, document } = editor;
  const wave = useRef<HTMLDivElement>(null);
  const isThere = useComputed(() => document.audio.value !== undefined);
  useSignalEffect(() => {
    const peaks = document.peaks.value;
    if (isThere.value && peaks && peaks.values.length > 0 && wave.current)
      return drawWaveform(wave.current, player.media, peaks);
    return undefined;
  });
  useMediaSession(editor);
  const now = useComputed(() => clock(player.time.value));
  const total = useComputed(() => clock(player.duration.value));
  const spokenTime = useComputed(() => `${now.value} of ${total.value}`);
  const position = useComputed(() => player.time.value.toFixed(2));
  const end = useComputed(() => Math.max(0.01, player.duration.value));
  const play = useComputed(() => (player.isPlaying.value ? 'Pause' : 'Play'));
  if (!isThere.value) return null;
  return (
    <section class="player" aria-label="Player">
      <div class="player-track">
        <div class="player-wave" ref={wave} aria-hidden="true" />
        <input
          class="player-position"
          type="range"
          aria-label="Position in the recording"
          min="0"
          max={end}
          step="0.01"
          value={position}
          aria-valuetext={spokenTime}
          onInput={(event) => player.seek(event.currentTarget.valueAsNumber)}
        />
      </div>
      <div class="player-controls">
        <IconButton name="back" onClick={() => player.moveBy(-5)} label="Back 5 seconds" title="Back 5 s (J)" />
        <IconButton
          name={player.isPlaying.value ? 'pause' : 'play'}
          class="player-play"
          onClick={() => player.toggle()}
          label={play.value}
          title="Play or pause (space)"
        />
        <IconButton name="on" onClick={() => player.moveBy(5)} label="On 5 seconds" title="On 5 s (L)" />
        <span class="player-time">
          <b>{now}</b>
          <span class="player-of"> / </span>
          <span>{total}</span>
        </span>
        <label class="player-speed">
          <span>Speed</span>
          <select
            aria-label="Speed"
            value={String(player.speed.value)}
            onChange={(event) => player.setSpeed(Number(event.currentTarget.value))}
          >
            {SPEEDS.map((speed) => (
              <option key={speed} value={String(speed)}>
                {speed}×
              </option>
            ))}
          </select>
        </label>
      </div>
      {player.problem.value && (
        <p class="player-problem" role="alert">
          {player.problem}
        </p>
      )}
    </section>
  );
}

/** Keys of headsets and lock screens. */
function useMediaSession({ player, document }: Editor): void {
  useSignalEffect(() => {
    const session = navigator.mediaSession;
    if (!session || !document.audio.value) return undefined;
    session.metadata = new MediaMetadata({ title: document.name.value });
    const handlers = new Map<MediaSessionAction, MediaSessionActionHandler>([
      ['play', () => void player.play()],
      ['pause', () => player.media.pause()],
      ['seekbackward', ({ seekOffset = 5 }) => player.moveBy(-seekOffset)],
      ['seekforward', ({ seekOffset = 5 }) => player.moveBy(seekOffset)],
      ['seekto', ({ seekTime = 0 }) => player.seek(seekTime)],
    ]);
    for (const [action, handler] of handlers) session.setActionHandler(action, handler);
    return () => {
      session.metadata = null;
      for (const action of handlers.keys()) session.setActionHandler(action, null);
    };
  });
}
