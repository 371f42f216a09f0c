/** A file in, segments out as they are found. Run: node dist/examples/transcribeFile.js talk.mp3 [model] */
import { load } from 'sotto';

const [file = 'assets/jfk.wav', model = 'tiny'] = process.argv.slice(2);
const whisper = await load(model);
try {
  for await (const segment of whisper.segments(file)) {
    console.log(`${segment.start.toFixed(2)} - ${segment.end.toFixed(2)} ${segment.text}`);
  }
} finally {
  await whisper.close();
}
