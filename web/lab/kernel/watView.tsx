/** What the CPU runs for the same case: the WebAssembly that a variant emits, as text. */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { ReadOnlyCode } from '../code/readOnlyCode.tsx';
import type { WatText } from '../engine/messages.ts';
import { ChoiceField } from '../parts/choiceField.tsx';
import { engine } from '../session.ts';
import { kernel, place } from './state.ts';

export function WatView(): JSX.Element {
  const wanted = useSignal<string | undefined>(undefined);
  const wat = useSignal<WatText | undefined>(undefined);
  const fault = useSignal('');

  useSignalEffect(() => {
    const [name, at, variant] = [kernel.value, place.value, wanted.value];
    if (!at) return;
    const controller = new AbortController();
    engine
      .ask(
        'wat',
        { kernel: name, caseIndex: at.caseIndex, storage: at.storage, variant },
        { signal: controller.signal },
      )
      .then(
        (made) => {
          wat.value = made;
          fault.value = '';
        },
        (error: Error) => {
          // A variant of another kernel, or one that does not run this case.
          if (variant !== undefined) wanted.value = undefined;
          else fault.value = error.message;
        },
      );
    return () => controller.abort();
  });

  if (fault.value) return <p class="soft">{fault.value}</p>;
  if (!wat.value) return <p class="soft">Emitting …</p>;
  const { variant, variants, text } = wat.value;
  return (
    <>
      <div class="row">
        <ChoiceField
          label="Variant"
          look="inline"
          value={variant}
          choices={variants.map((name) => [name, name] as const)}
          onChoose={(name) => {
            wanted.value = name;
          }}
        />
        <span class="soft">
          {text.split('\n').length} lines of WebAssembly, emitted for this case; parameters are the kernel's arguments
        </span>
      </div>
      <ReadOnlyCode text={text} label={`WebAssembly of ${variant}`} />
    </>
  );
}
