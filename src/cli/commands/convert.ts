/** `sotto convert SRC DST [--dtype f32|f16|int8]`: a model of another make becomes a folder that sotto opens at once. */
import { convert } from '../../../weights/convert.ts';
import { OptionsError } from '../../base/errors.ts';
import { resolve } from '../../options/resolve.ts';
import type { OptionTable } from '../../options/spec.ts';
import { readOptions, writtenOptions } from '../../options/text.ts';
import { parseArguments } from '../args.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { ProgressDisplay } from '../progress.ts';

const CONVERT_OPTIONS = {
  dtype: {
    kind: 'choice',
    choices: ['f32', 'f16', 'int8'],
    default: 'f32',
    where: ['command'],
    group: 'model',
    help: 'How the weights are stored.',
  },
} as const satisfies OptionTable;

const HELP = `sotto convert: makes a model folder of weights in another form.

Usage:  sotto convert SRC DST [--dtype f32|f16|int8]

Examples:
  sotto convert ./whisper-base ./base              a Hugging Face folder (safetensors, one file or sharded)
  sotto convert ./Xenova/whisper-tiny ./tiny       a transformers.js folder (ONNX, fp32 or q8, dequantised)
  sotto convert ./whisper-small ./small --dtype f16   half the size; computing stays in f32
  sotto convert ./whisper-small ./small --dtype int8  a quarter of it, an integer a weight and a scale a row

DST gets model.safetensors, config.json, generation_config.json, tokenizer.json and what is derived from them
once. Any tool that reads Hugging Face folders opens it; so does: sotto talk.mp3 --model DST
`;

export async function convertCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const { files, values, help } = parseArguments(argv, writtenOptions(CONVERT_OPTIONS, ['command']));
  if (help) {
    io.stdout.write(HELP);
    return EXIT.ok;
  }
  const [source, target, ...more] = files;
  if (source === undefined || target === undefined || more.length > 0) {
    throw new OptionsError('convertArguments', `convert takes two folders, SRC and DST; ${files.length} were given.`, {
      hint: 'For example: sotto convert ./whisper-base ./base --dtype f16',
    });
  }
  const given = readOptions(CONVERT_OPTIONS, ['command'], values, '--');
  const { dtype } = resolve(CONVERT_OPTIONS, 'command', given);
  const display = new ProgressDisplay(io.stderr);
  try {
    await convert(source, target, {
      dtype,
      signal: io.signal,
      onProgress: display.show,
      onWarning: ({ message }) => display.note(message),
    });
    display.line(`wrote ${target}`);
  } finally {
    display.clear();
  }
  return EXIT.ok;
}
