/**
 * Text while somebody speaks. Samples of 16 bits at 16 kHz come on standard input, from a microphone or anything else:
 *
 *   arecord -t raw -f S16_LE -r 16000 | node dist/examples/live.js
 *   ffmpeg -loglevel error -re -i talk.mp3 -f s16le -ac 1 -ar 16000 - | node dist/examples/live.js
 */
import { load, readPcmStream } from 'sotto';

const samples = readPcmStream(process.stdin, { format: 's16le' });
const whisper = await load('tiny', { device: 'cpu' });
for await (const { stable, partial } of whisper.stream(samples, { language: 'en' })) {
  process.stdout.write(stable);
  // Partial text may still change: it is shown, but not part of the output.
  process.stderr.write(`\n... ${partial}\n`);
}
process.stdout.write('\n');
await whisper.close();
