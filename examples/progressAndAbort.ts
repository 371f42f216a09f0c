/** Progress while it works, and a stop after some seconds of sound. Run: node dist/examples/progressAndAbort.js talk.mp3 */
import { load } from 'sotto';

const [file = 'assets/jfk.wav', limit = '5'] = process.argv.slice(2);
const controller = new AbortController();
const whisper = await load('tiny', { device: 'cpu' });
try {
  const transcript = await whisper.transcribe(file, {
    signal: controller.signal,
    onProgress: ({ stage, done, total, unit }) => {
      console.log(`${stage}: ${done.toFixed(1)} of ${total.toFixed(1)} ${unit}`);
      if (stage === 'transcribe' && done >= Number(limit)) controller.abort(new Error('heard enough'));
    },
  });
  console.log(transcript.text);
} catch (error) {
  if (!controller.signal.aborted) throw error;
  console.log(`stopped: ${controller.signal.reason.message}`);
} finally {
  await whisper.close();
}
