/** One kernel on the bench: what is chosen, its code, and what became of it. */
import type { JSX } from 'preact';
import { facts } from '../session.ts';
import { Choice } from './choice.tsx';
import { CodePanel } from './codePanel.tsx';
import { Speed } from './speed.tsx';
import { kernel } from './state.ts';
import { SurveyPanel } from './survey.tsx';
import { Verdict } from './verdict.tsx';

export function KernelView(): JSX.Element {
  const about = facts.value?.kernels.find(({ name }) => name === kernel.value);
  return (
    <>
      <Choice />
      {about && (
        <ul class="arguments" aria-label="Arguments of the kernel">
          {about.args.map((arg) => (
            <li key={arg}>{arg}</li>
          ))}
        </ul>
      )}
      <div class="bench">
        <CodePanel />
        <div class="found">
          <Verdict />
          <Speed />
        </div>
      </div>
      <SurveyPanel />
    </>
  );
}
