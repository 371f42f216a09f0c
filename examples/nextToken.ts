/**
 * Below `transcribe`: log-mel, encoder, decoder step and tokenizer, each by hand. Shows what the model thinks of the
 * next token at every step. Run: node dist/examples/nextToken.js
 */
import { load, logMel, readAudio } from 'sotto';

const whisper = await load('tiny');
try {
  const { inference, tokenizer, dims } = whisper;
  const mel = await logMel(await readAudio('assets/jfk.wav'), { nMels: dims.nMels });
  const audio = await inference.encode(await mel.window(0, Math.min(3000, mel.nFrames)));
  const initialTokens = [...tokenizer.sotSequence('en', 'transcribe'), tokenizer.noTimestamps];
  const rules = { eot: tokenizer.eot, suppress: [], suppressAtStart: [] };
  const decoding = await inference.start([{ audio, initialTokens, sotIndex: 0, rows: 1 }], rules);
  for (let step = 0; step < 12; step++) {
    const { tokens, logprobs } = await decoding.candidates(3);
    const guesses = Array.from(
      tokens,
      (token, i) => `${JSON.stringify(tokenizer.decode([token]))} ${Math.exp(logprobs[i] ?? 0).toFixed(3)}`,
    );
    console.log(guesses.join('   '));
    const best = tokens[0] ?? tokenizer.eot;
    if (best === tokenizer.eot) break;
    decoding.advance([best]);
  }
  decoding.close();
  audio.close();
} finally {
  await whisper.close();
}
