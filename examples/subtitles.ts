/** Subtitles in the form of your choice, in a string. Run: node dist/examples/subtitles.js talk.mp3 vtt */
import { FORMATS, load, write } from 'sotto';

const [file = 'assets/jfk.wav', wanted = 'srt'] = process.argv.slice(2);
const format = FORMATS.find((name) => name === wanted);
if (!format) throw new Error(`The formats are ${FORMATS.join(', ')}.`);
const whisper = await load('tiny');
try {
  const transcript = await whisper.transcribe(file, { language: 'en' });
  process.stdout.write(write(transcript, format));
} finally {
  await whisper.close();
}
