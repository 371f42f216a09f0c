/** Runs `action` without `console.error`: WebAssembly decoders print what they cannot decode. */
export async function quietly(action: () => Promise<void>): Promise<void> {
  const print = console.error;
  console.error = () => {};
  try {
    await action();
  } finally {
    console.error = print;
  }
}
