/** A whole program beside f64, command by command: the first that parts, and how errors add up. */
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { CommandCheck, ProgramName } from 'sotto/lab';
import type { DeviceKind } from '../engine/messages.ts';
import { ErrorMapFigure } from '../kernel/errorMap.tsx';
import { fork, isEdited, kernel, place, stop } from '../kernel/state.ts';
import { worstOutput } from '../kernel/words.ts';
import { ChoiceField } from '../parts/choiceField.tsx';
import { engine, facts, tell } from '../session.ts';

const TITLES: Readonly<Record<ProgramName, string>> = {
  encoder: 'the encoder, two layers',
  token: 'a prompt and a token of the decoder',
};

export function ProgramView(): JSX.Element {
  const program = useSignal<ProgramName>('encoder');
  const device = useSignal<DeviceKind>(facts.value?.gpu ? 'webgpu' : 'cpu');
  const withEdit = useSignal(false);
  const commands = useSignal<readonly CommandCheck[]>([]);
  const status = useSignal('');
  const work = useSignal<AbortController | undefined>(undefined);
  const canEdit = isEdited.value && device.value === 'webgpu';

  const run = async (): Promise<void> => {
    stop();
    const controller = new AbortController();
    work.value = controller;
    commands.value = [];
    try {
      const given = {
        program: program.value,
        device: device.value,
        fork: canEdit && withEdit.value ? fork() : undefined,
      };
      const { right } = await engine.ask('program', given, {
        signal: controller.signal,
        onTold(told) {
          if (told.kind === 'stage') status.value = told.text;
          else if (told.kind === 'command') commands.value = [...commands.value, told.check];
        },
      });
      status.value = right ? `All ${commands.value.length} commands are right.` : '';
    } catch (error) {
      status.value = 'Stopped.';
      tell(error);
    }
    work.value = undefined;
  };

  return (
    <section class="panel program" aria-label="Whole program">
      <h2>A whole program beside f64</h2>
      <p class="soft">
        A small model with random weights. Each command is held against its reference on the inputs that it has on the
        device; the distance from a run in f64 tells what errors within the tolerance add up to.
      </p>
      <p class="actions">
        <Select signal={program} label="Program" choices={TITLES} />
        <Select
          signal={device}
          label="Device"
          choices={facts.value?.gpu ? { webgpu: 'GPU', cpu: 'CPU' } : { webgpu: 'GPU (not here)', cpu: 'CPU' }}
        />
        {canEdit && (
          <label>
            <input
              type="checkbox"
              checked={withEdit.value}
              onChange={({ currentTarget }) => {
                withEdit.value = currentTarget.checked;
              }}
            />{' '}
            with your {kernel.value}/{place.value?.variant}
          </label>
        )}
        {work.value ? (
          <button type="button" onClick={() => work.value?.abort()}>
            Stop
          </button>
        ) : (
          <button type="button" class="primary" onClick={() => void run()}>
            Run
          </button>
        )}
        <span class="soft" role="status">
          {status.value}
        </span>
      </p>
      <FirstWrong commands={commands} />
      {commands.value.length > 0 && <Commands commands={commands.value} />}
    </section>
  );
}

interface SelectProps<T extends string> {
  readonly signal: Signal<T>;
  readonly label: string;
  readonly choices: Readonly<Record<T, string>>;
}

function Select<T extends string>({ signal, label, choices }: SelectProps<T>): JSX.Element {
  const names = Object.keys(choices) as T[]; // its keys, and no others
  return (
    <ChoiceField
      label={label}
      look="inline"
      value={signal.value}
      choices={names.map((name) => [name, choices[name]] as const)}
      onChoose={(name) => {
        signal.value = name;
      }}
    />
  );
}

function FirstWrong({ commands }: { readonly commands: Signal<readonly CommandCheck[]> }): JSX.Element | null {
  const first = commands.value.find(({ right }) => !right);
  if (!first) return null;
  const output = worstOutput(first);
  return (
    <div class="case">
      <h3 class="bad-words">
        The first command that parts: {first.program}, command {first.index + 1}, {first.kernel}/{first.variant}
      </h3>
      <p>{first.title}</p>
      {first.failures.map((failure) => (
        <p class="bad-words" key={failure}>
          {failure}
        </p>
      ))}
      {output && <ErrorMapFigure output={output} />}
    </div>
  );
}

function Commands({ commands }: { readonly commands: readonly CommandCheck[] }): JSX.Element {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">program</th>
            <th scope="col">command</th>
            <th scope="col" class="number">
              error / tolerance
            </th>
            <th scope="col" class="number">
              from f64
            </th>
          </tr>
        </thead>
        <tbody>
          {commands.map(({ program, index, kernel: name, variant, title, right, worst, drift }, i) => (
            <tr key={`${i} ${program} ${index}`}>
              <td>{program}</td>
              <th scope="row" title={title}>
                {index + 1}. {name}/{variant}
              </th>
              <td class={`number ${right ? 'good-words' : 'bad-words'}`}>
                {right ? 'right' : 'wrong'} {worst.toPrecision(2)}
              </td>
              <td class="number">{drift === 0 ? '0' : drift.toExponential(1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
