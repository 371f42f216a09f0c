import { render } from 'preact';
import { keepSite } from '../offline/keepSite.ts';
import { showTheme } from '../shared/theme.ts';
import { begin } from './kernel/state.ts';
import { Lab } from './lab.tsx';
import { openLab } from './session.ts';

void keepSite('../');
showTheme();
render(<Lab />, document.getElementById('root')!); // stands in index.html
await openLab();
await begin();
