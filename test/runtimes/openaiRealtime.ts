/**
 * A session of `/v1/realtime` by the `openai` package, which wants Node 24 and a server with TLS; prints the transcript.
 *
 *   node openaiRealtime.js PACKAGE URL CERTIFICATE
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Realtime {
  on(type: string, listener: (event: { readonly transcript?: string; readonly message?: string }) => void): void;
  send(event: object): void;
  close(): void;
}

const [folder = '', url = '', certificate = ''] = process.argv.slice(2);
const load = async (name: string): Promise<unknown> => import(pathToFileURL(join(folder, name)).href);
const { default: OpenAI } = (await load('index.mjs')) as { default: new (options: object) => object }; // as it is used
const { OpenAIRealtimeWS } = (await load('realtime/ws.mjs')) as {
  // as it is used
  OpenAIRealtimeWS: new (
    options: object,
    client: object,
  ) => Realtime;
};
const ca = readFileSync(certificate);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'secret' });
const options = { ca, checkServerIdentity: () => undefined };
const realtime = new OpenAIRealtimeWS({ intent: 'transcription', options }, client);
realtime.on('error', ({ message }) => {
  console.error(message);
  process.exit(1);
});
realtime.on('session.created', () => {
  realtime.send({
    type: 'session.update',
    session: {
      type: 'transcription',
      audio: {
        input: {
          format: { type: 'audio/pcm', rate: 24_000 },
          transcription: { model: 'whisper-1' },
          turn_detection: null,
        },
      },
    },
  });
  realtime.send({ type: 'input_audio_buffer.append', audio: Buffer.alloc(2 * 48_000).toString('base64') });
  realtime.send({ type: 'input_audio_buffer.commit' });
});
realtime.on('conversation.item.input_audio_transcription.completed', ({ transcript }) => {
  console.log(transcript);
  realtime.close();
});
