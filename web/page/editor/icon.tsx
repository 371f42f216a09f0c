/** Drawings of the editor's buttons, as lines on a grid of 24. */
import type { JSX } from 'preact';

const PATHS = {
  play: 'M8 5v14l11-7z',
  pause: 'M8 5v14M16 5v14',
  back: 'M4 5v5h5M5 10a8 8 0 1 1-1 5',
  on: 'M20 5v5h-5M19 10a8 8 0 1 0 1 5',
  undo: 'M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6',
  redo: 'm15 7 5 5-5 5M20 12H10a6 6 0 0 0-6 6',
  find: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16 16l4 4',
  edit: 'm5 19 1-4L16 5l3 3L9 18z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  keys: 'M3 7h18v11H3zM7 11h.01M11 11h.01M15 11h.01M8 15h8',
  up: 'm6 15 6-6 6 6',
  down: 'm6 9 6 6 6-6',
  close: 'm6 6 12 12M18 6 6 18',
} as const;

interface IconProps {
  readonly name: keyof typeof PATHS;
}

export function Icon({ name }: IconProps): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" data-filled={name === 'play'}>
      <path d={PATHS[name]} />
    </svg>
  );
}

interface IconButtonProps extends IconProps {
  /** For who does not see the icon. */
  readonly label: string;
  /** Shown over it: what it does, and its key. */
  readonly title?: string;
  readonly class?: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}

/** A button that is an icon and nothing else. */
export function IconButton({ name, label, class: kind = 'quiet', ...props }: IconButtonProps): JSX.Element {
  return (
    <button type="button" class={kind} aria-label={label} {...props}>
      <Icon name={name} />
    </button>
  );
}
