/** One of several, with a label beside or above it. */
import type { JSX } from 'preact';

export interface ChoiceFieldProps<T extends string> {
  readonly label: string;
  readonly name?: string;
  /** Of `field` in lab.css: `wide`, `inline`. */
  readonly look?: 'wide' | 'inline';
  /** One of the choices. */
  readonly value: T | '';
  /** What is chosen, and its words. */
  readonly choices: readonly (readonly [value: T, words: string])[];
  readonly onChoose: (value: T) => void;
}

export function ChoiceField<T extends string>(props: ChoiceFieldProps<T>): JSX.Element {
  const { label, name, look, value, choices, onChoose } = props;
  return (
    <label class={look ? `field ${look}` : 'field'}>
      <span>{label}</span>
      <select name={name} value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value as T)}>
        {choices.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
