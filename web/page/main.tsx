import { render } from 'preact';
import { keepSite } from '../offline/keepSite.ts';
import { showTheme } from '../shared/theme.ts';

void keepSite('./');

/** Each is loaded when it is shown. */
const View = new URLSearchParams(location.search).has('bench')
  ? (await import('./bench/bench.tsx')).Bench
  : (await import('./page.tsx')).Page;

showTheme();
render(<View />, document.getElementById('root')!); // stands in index.html
