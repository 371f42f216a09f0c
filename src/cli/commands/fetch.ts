/** `sotto fetch NAME...`: models of the Hugging Face hub come into the folder where `--model NAME` finds them. */
import { checkKept } from '../../../weights/cache.ts';
import type { FetchPlan } from '../../../weights/hub.ts';
import { fetchNamed } from '../../../weights/locate.ts';
import { CACHE_OPTIONS } from '../../../weights/options.ts';
import { OptionsError } from '../../base/errors.ts';
import { MODEL_NAMES, namedModel, unknownModel } from '../../checkpoint/modelNames.ts';
import { readOptions, writtenOptions } from '../../options/text.ts';
import { parseArguments } from '../args.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { megabytes } from '../modelLine.ts';
import { ProgressDisplay } from '../progress.ts';

const HELP = `sotto fetch: fetches models of the Hugging Face hub, before they are needed.

Usage:  sotto fetch NAME... [--model_dir DIR]

NAME is one of ${MODEL_NAMES.slice(0, 8).join(', ')},
${MODEL_NAMES.slice(8, 14).join(', ')},
${MODEL_NAMES.slice(14).join(', ')}, or owner/repo of the hub. The weights are openai's own, as safetensors.

Examples:
  sotto fetch base                      then: sotto talk.mp3 --model base
  sotto fetch tiny.en large-v3-turbo    several
  sotto fetch owner/whisper-finetuned   any Whisper model of the hub

Files are checked by their hashes, and are there as a whole or not at all. What was interrupted is continued by
the next call. DIR, or SOTTO_CACHE, else the cache folder of your system, is where they come to.

Environment: HTTPS_PROXY, HTTP_PROXY, NO_PROXY (http://user:password@host:port); HF_ENDPOINT (a mirror of the
hub); HF_TOKEN (for private and gated models, sent to that host alone).
`;

/** @throws {OptionsError} `fetchArguments`; {WeightsError} as `locateModel` does */
export async function fetchCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const { files: names, values, help } = parseArguments(argv, writtenOptions(CACHE_OPTIONS, ['load']));
  if (help) {
    io.stdout.write(HELP);
    return EXIT.ok;
  }
  if (names.length === 0) {
    throw new OptionsError('fetchArguments', 'fetch takes the names of models; none was given.', {
      hint: 'For example: sotto fetch base',
    });
  }
  const models = names.map((name) => {
    const model = namedModel(name);
    if (model?.repo !== undefined) return { name, model: { name: model.name, repo: model.repo } };
    if (!model) throw unknownModel(name);
    throw new OptionsError('fetchArguments', `${name} comes from npm, not from the hub.`, {
      hint: `In your project: npm install ${model.packageName}`,
    });
  });
  const { cacheDir } = readOptions(CACHE_OPTIONS, ['load'], values, '--');
  for (const { name, model } of models) {
    const display = new ProgressDisplay(io.stderr);
    let isNew = false;
    try {
      const folder = await fetchNamed(model, {
        cacheDir,
        signal: io.signal,
        onProgress: display.show,
        onWarning: ({ message }) => display.note(message),
        onPlan: (plan) => {
          isNew = true;
          display.line(planLine(plan));
        },
      });
      await checkKept(folder, io.signal);
      display.line(`${name} is ${isNew ? '' : 'already '}in ${folder}`);
    } catch (error) {
      display.clear();
      if (io.signal.aborted)
        io.stderr.write('sotto: what has come is kept: the next sotto fetch goes on from there.\n');
      throw error;
    }
  }
  return EXIT.ok;
}

/** e.g. `openai/whisper-tiny from https://huggingface.co, commit 169d4a4: 9 files, 154 MB, to /home/me/.cache/sotto/tiny` */
function planLine({ repo, endpoint, commit, files, bytes, haveBytes, place }: FetchPlan): string {
  const at = commit === undefined ? '' : `, commit ${commit.slice(0, 7)}`;
  const have = haveBytes > 0 ? ` (${megabytes(haveBytes)} of them are here)` : '';
  return `${repo} from ${endpoint}${at}: ${files} files, ${megabytes(bytes)}${have}, to ${place}`;
}
