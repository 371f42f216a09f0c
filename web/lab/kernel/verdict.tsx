/** Right or wrong, in one look: what is being done, what was found first, the map of it, and all cases in a table. */
import { computed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { CaseResult } from 'sotto/lab';
import { ErrorMapFigure } from './errorMap.tsx';
import { compiles, isEdited, messages, phase, place, progress, results, timings, wrong } from './state.ts';
import { explained, figure, worstOutput } from './words.ts';

type Mood = 'busy' | 'good' | 'bad' | 'still';

const mood = computed((): Mood => {
  if (!compiles.value || wrong.value.length > 0) return 'bad';
  if (phase.value === 'done') return 'good';
  return phase.value === 'stopped' ? 'still' : 'busy';
});

function headline(): string {
  const code = isEdited.value ? 'Your edit' : "The variant's own code";
  if (!compiles.value) return 'It does not compile.';
  const [checked, bad] = [results.value.length, wrong.value.length];
  if (bad > 0) return `Wrong in ${bad} of ${checked} ${checked === 1 ? 'case' : 'cases'}.`;
  switch (phase.value) {
    case 'done':
      return `${code} is right in all ${checked} cases.`;
    case 'stopped':
      return 'Stopped.';
    case 'timing':
      return `${code} is right in all ${checked} cases; timing.`;
    default:
      return checked > 0 ? `Right so far: ${checked} cases.` : 'Checking.';
  }
}

export function Verdict(): JSX.Element {
  /** Title of a case; that of none of them: the first that is wrong is shown, else the first. */
  const chosen = useSignal('');
  const shown =
    results.value.find(({ place: { title } }) => title === chosen.value) ?? wrong.value[0] ?? results.value[0];
  const output = shown && worstOutput(shown);
  return (
    <section class="verdict" aria-label="Verdict" data-mood={mood.value}>
      <p class="headline" role="status">
        {headline()}
      </p>
      {progress.value && (
        <p class="soft">
          {progress.value.total > 0 && `${progress.value.done} of ${progress.value.total}, `}
          {progress.value.title}
        </p>
      )}
      {!compiles.value && (
        <ul class="messages">
          {messages.value.map(({ type, line, column, text }) => (
            <li key={`${line} ${column} ${text}`}>
              {type}, line {line}, column {column}: {text}
            </li>
          ))}
        </ul>
      )}
      {shown && (
        <div class="case">
          <h2>
            Case {shown.place.caseIndex + 1}: {shown.place.title}
          </h2>
          {shown.failures.map((failure) => (
            <p key={failure} class="bad-words">
              {explained(failure)}
            </p>
          ))}
          {output && <ErrorMapFigure output={output} />}
        </div>
      )}
      {results.value.length > 0 && (
        <Cases
          shown={shown}
          onChoose={(result) => {
            chosen.value = result.place.title;
          }}
        />
      )}
    </section>
  );
}

interface CasesProps {
  readonly shown: CaseResult | undefined;
  readonly onChoose: (result: CaseResult) => void;
}

function Cases({ shown, onChoose }: CasesProps): JSX.Element {
  return (
    <details class="cases" open>
      <summary>
        Cases of {place.value?.variant}: {results.value.length} checked
      </summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">case</th>
              <th scope="col">verdict</th>
              <th scope="col" class="number">
                error / tolerance
              </th>
              <th scope="col" class="number">
                best ms
              </th>
            </tr>
          </thead>
          <tbody>
            {results.value.map((result) => (
              <tr key={result.place.title} class={result === shown ? 'shown' : ''}>
                <th scope="row">
                  <button type="button" class="link" onClick={() => onChoose(result)}>
                    {result.place.caseIndex + 1}. {result.place.title}
                  </button>
                </th>
                <td class={result.right ? 'good-words' : 'bad-words'}>{result.right ? 'right' : 'wrong'}</td>
                <td class="number">{figure(Number(result.worst.toPrecision(3)))}</td>
                <td class="number">{timeOf(result)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function timeOf({ place: { title } }: CaseResult): string {
  const timed = timings.value.find((one) => one.place.title === title);
  return timed ? timed.bestMs.toFixed(3) : '';
}
