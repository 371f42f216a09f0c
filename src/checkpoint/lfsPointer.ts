/**
 * What a clone without Git LFS has in the place of a large file: three lines of text that begin with `version https://git-lfs`.
 *
 * @see git-lfs, docs/spec.md, The Pointer
 */
import { startsWith } from '../base/bytes.ts';
import { WeightsError } from '../base/errors.ts';

/** No JSON begins so, no ONNX file (its fields would have the type 6), and no safetensors file, whose header would have exabytes. */
const START = 'version ';

/**
 * @param head the file's first characters, or bytes
 * @throws {WeightsError} `lfsPointer`
 */
export function refuseLfsPointer(name: string, head: string | Uint8Array): void {
  if (!(typeof head === 'string' ? head.startsWith(START) : startsWith(head, START))) return;
  throw new WeightsError('lfsPointer', `${name} is a pointer of Git LFS, not the file itself.`, {
    hint: 'In the clone: git lfs install, then git lfs pull. Or fetch the model by its name: sotto fetch OWNER/REPO.',
  });
}
