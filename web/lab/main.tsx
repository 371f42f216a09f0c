import { render } from 'preact';
import { showTheme } from '../shared/theme.ts';
import { begin } from './kernel/state.ts';
import { Lab } from './lab.tsx';
import { openLab } from './session.ts';

showTheme();
render(<Lab />, document.getElementById('root')!); // stands in index.html
await openLab();
await begin();
