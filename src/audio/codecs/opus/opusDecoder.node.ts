/**
 * `opus-decoder` in Node, where it is found at run time: what bundles a server (Next.js) would follow it to a worker package
 * that imports a name it cannot know, and stop with an error. Pages have it in their bundle.
 */
const { OpusDecoder } = await import(
  /* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ 'opus-decoder'
);

export { OpusDecoder };
