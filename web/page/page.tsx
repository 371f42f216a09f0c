/** The page that transcribes: what is on it. */
import { useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Transcript } from './editor/transcript.tsx';
import { HistoryPanel } from './kept/historyPanel.tsx';
import { ModelsPanel } from './kept/modelsPanel.tsx';
import { Chooser, takeDrops } from './parts/chooser.tsx';
import { Header } from './parts/header.tsx';
import { Live } from './parts/live.tsx';
import { Settings } from './parts/settings.tsx';
import { Work } from './parts/work.tsx';
import { advance, phase, transcript } from './session.ts';

export function Page(): JSX.Element {
  useEffect(takeDrops, []);
  useSignalEffect(() => {
    document.title = title();
  });
  return (
    <div class="page">
      <a class="skip" href={transcript.value ? '#sheet' : '#chooser-title'}>
        {transcript.value ? 'Skip to the text' : 'Skip to choosing a recording'}
      </a>
      <Header />
      <main class={transcript.value ? 'main with-text' : 'main'}>
        <Chooser />
        {transcript.value && (
          <div class="sheet" id="sheet" tabIndex={-1}>
            <Work />
            {/* Another document is another editor: nothing of the last one is computed on. */}
            <Transcript key={transcript.value} document={transcript.value} />
            <Live />
          </div>
        )}
        <div class="side">
          <Settings />
          <HistoryPanel />
          <ModelsPanel />
        </div>
      </main>
    </div>
  );
}

function title(): string {
  const now = advance.value;
  const name = transcript.value?.name.value;
  if (phase.value === 'working' && now && now.stage === 'transcribe' && now.total > 0)
    return `${Math.floor((100 * now.done) / now.total)} % ${name}`;
  if (phase.value === 'done') return `✓ ${name}`;
  return 'sotto: speech to text in this page';
}
