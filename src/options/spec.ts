/**
 * Tables of options: one row an option, which says its kind, range, default, one sentence, and where it applies. The types
 * of the public API, the checks, and the command line with its help come from these tables, which stand in the rooms that
 * give their options a meaning.
 *
 * A row is a value that can be written down: in a call, on a command line, in a form. Callbacks and signals cannot; they
 * are interfaces beside the tables, whose names are listed with `satisfies CallbackNames<...>` for the check of names.
 */

/** Who takes an option. */
export type Place =
  /** `load`: the model and its device. */
  | 'load'
  /** `DecodingTask`: one window. */
  | 'decode'
  | 'transcribe'
  | 'transcribeAll'
  | 'stream'
  /** `inspect`: what is looked at. */
  | 'inspect'
  /** `write`: how words are laid out in a file. */
  | 'layout'
  /** The command line itself. */
  | 'command'
  /** The command line, for sound on standard input alone. */
  | 'stdin';

/** What an option is about: the headings under which a help text or a form lists them. */
export type Group =
  | 'model'
  | 'output'
  | 'recordings'
  | 'queue'
  | 'content'
  | 'batch'
  | 'decoding'
  | 'words'
  | 'stdin'
  | 'address'
  | 'limits'
  | 'inspection';

/** What the command line says otherwise than the library. */
export interface CommandForm {
  /** When it is not the library's name with underscores. */
  readonly name?: string;
  /** One letter: `-o`. */
  readonly short?: string;
  /** A claim that may stand without a value, which is True then. */
  readonly flag?: true;
  /** What stands for the value in the help; by kind when absent. */
  readonly placeholder?: string;
  /** Where it differs from the library's. */
  readonly default?: string | number | boolean;
  /** A sentence more. */
  readonly help?: string;
}

interface Described {
  readonly where: readonly Place[];
  readonly group: Group;
  /** One sentence or two. Other options are named as in the library: `beamSize`. */
  readonly help: string;
  /** What is done without a value, for an option that may have none. */
  readonly none?: string;
  /** null is a value, which switches off what the option asks for. */
  readonly nullable?: true;
  readonly command?: CommandForm;
}

/** Finite numbers in [min, max], or above `above`. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
}

export interface NumberSpec extends Described, NumberRange {
  readonly kind: 'number' | 'integer';
  readonly unit?: 'seconds' | 'dB' | 'Hz';
  readonly default?: number;
}

/** One number, or a list of at least one. */
export interface NumbersSpec extends Described, NumberRange {
  readonly kind: 'numbers';
  readonly default: readonly number[];
}

export interface BooleanSpec extends Described {
  readonly kind: 'boolean';
  readonly default?: boolean;
}

export interface TextSpec extends Described {
  readonly kind: 'text';
  readonly default?: string;
}

export interface ChoiceSpec extends Described {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default?: string;
}

/** At least one of the choices. */
export interface ChoicesSpec extends Described {
  readonly kind: 'choices';
  readonly choices: readonly string[];
  readonly default: readonly string[];
}

/** Text, or the ids of its tokens. */
export interface TokensSpec extends Described {
  readonly kind: 'tokens';
}

/** Texts that are not empty, at least one. */
export interface NamesSpec extends Described {
  readonly kind: 'names';
}

/** Numbers as a list, or as a text with commas between them; who uses them checks each. */
export interface ListSpec extends Described {
  readonly kind: 'list';
  readonly default?: string;
}

/** true, or an object of options; false does without. */
export interface TableSpec extends Described {
  readonly kind: 'table';
  readonly options: OptionTable;
  readonly default: boolean;
}

/** A row. Without `default` the option has no value unless one is given. */
export type OptionSpec =
  | NumberSpec
  | NumbersSpec
  | BooleanSpec
  | TextSpec
  | ChoiceSpec
  | ChoicesSpec
  | NamesSpec
  | TokensSpec
  | ListSpec
  | TableSpec;

/** Rows by the library's names of their options, in the order of help texts. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The names of an interface of callbacks and signals: one that is forgotten does not compile. */
export type CallbackNames<C> = { readonly [N in keyof C]-?: true };

/** Names of the rows that apply at one of the places. */
type NamesAt<T extends OptionTable, P extends Place> = {
  [N in keyof T]: Extract<T[N]['where'][number], P> extends never ? never : N;
}[keyof T];

/** Options as a caller gives them. */
export type OptionsOf<T extends OptionTable, P extends Place> = Given<Pick<T, NamesAt<T, P>>>;

/** Options with their defaults filled in; undefined is left of those that have none. */
export type ResolvedOptions<T extends OptionTable, P extends Place> = Resolved<Pick<T, NamesAt<T, P>>>;

type Given<T extends OptionTable> = { readonly [N in keyof T]?: ValueOf<T[N]> | undefined };

type Resolved<T extends OptionTable> = {
  readonly [N in keyof T]: ResolvedValueOf<T[N]> | (T[N] extends { readonly default: unknown } ? never : undefined);
};

type ValueOf<S extends OptionSpec> = Values<S>[S['kind']] | NullOf<S>;

type ResolvedValueOf<S extends OptionSpec> = ResolvedValues<S>[S['kind']] | NullOf<S>;

type NullOf<S extends OptionSpec> = S extends { readonly nullable: true } ? null : never;

interface Values<S extends OptionSpec> {
  readonly number: number;
  readonly integer: number;
  readonly numbers: number | readonly number[];
  readonly boolean: boolean;
  readonly text: string;
  readonly choice: S extends ChoiceSpec ? S['choices'][number] : never;
  readonly choices: readonly (S extends ChoicesSpec ? S['choices'][number] : never)[];
  readonly names: readonly string[];
  readonly tokens: string | readonly number[];
  readonly list: string | readonly number[];
  readonly table: S extends TableSpec ? boolean | Given<S['options']> : never;
}

interface ResolvedValues<S extends OptionSpec> extends Omit<Values<S>, 'numbers' | 'table'> {
  readonly numbers: readonly number[];
  readonly table: S extends TableSpec ? false | Resolved<S['options']> : never;
}
