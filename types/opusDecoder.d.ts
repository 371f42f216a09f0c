/** The package under the name that package.json gives it (`imports`). */
declare module '#opus-decoder' {
  export { OpusDecoder } from 'opus-decoder';
}
