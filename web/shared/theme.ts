/** Light or dark: as the system has it, or as was chosen; kept in this browser for all pages of the site. */
import { type Signal, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

export const theme: Signal<Theme> = signal(kept());

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

export function turnTheme(): void {
  theme.value = NEXT[theme.value];
  showTheme();
  try {
    localStorage.setItem('theme', theme.value);
  } catch {
    // It is then forgotten.
  }
}
