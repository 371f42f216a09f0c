/** The head of the page: its name, what computes, light or dark. */
import type { JSX } from 'preact';
import { theme, turnTheme } from '../../shared/theme.ts';
import { engineFacts } from '../session.ts';

export function Header(): JSX.Element {
  const facts = engineFacts.value;
  return (
    <header class="head">
      <h1 class="name">
        <img src="icon.svg" alt="" width="32" height="32" /> sotto
      </h1>
      {facts && (
        <p class="device">
          <span class="chip">{facts.device === 'webgpu' ? 'GPU' : 'CPU'}</span>
          <span class="device-text">{facts.description}</span>
        </p>
      )}
      <a class="to-lab" href="lab/">
        Kernel lab
      </a>
      <button type="button" class="quiet theme" onClick={turnTheme}>
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
          <path d="M12 3a9 9 0 1 0 0 18z" fill="currentcolor" />
          <path d="M12 3a9 9 0 1 1 0 18" />
        </svg>
        <span class="theme-name">Theme: {theme.value}</span>
      </button>
    </header>
  );
}
