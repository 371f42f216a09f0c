import { render } from 'preact';
import { Page } from './page.tsx';

render(<Page />, document.getElementById('root')!); // stands in index.html
