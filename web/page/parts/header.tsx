/** The head of the page: its name, what computes, light or dark. */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { engineFacts } from '../session.ts';

type Theme = 'system' | 'light' | 'dark';
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

const theme = signal<Theme>(kept());

function kept(): Theme {
  try {
    const value = localStorage.getItem('theme');
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system'; // storage may be forbidden
  }
}

export function showTheme(): void {
  if (theme.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

function turnTheme(): void {
  theme.value = NEXT[theme.value];
  showTheme();
  try {
    localStorage.setItem('theme', theme.value);
  } catch {
    // It is then forgotten.
  }
}

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
      <button type="button" class="quiet theme" onClick={turnTheme}>
        Theme: {theme.value}
      </button>
    </header>
  );
}
