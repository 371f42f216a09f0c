/** Sound while it is made: from a microphone, or from a tab that the person chooses. */

export interface Capture {
  /** 16 kHz mono in arrays, then null. */
  readonly samples: MessagePort;
  /** The recording as a file to play, once it has ended. */
  readonly recording: Promise<Blob>;
  /** No more sound; what was heard by then is still given. */
  finish(): void;
}

/** @throws {DOMException} `NotAllowedError` if the person says no */
export function openMicrophone(): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false } });
}

/** @throws {DOMException} as above; {Error} if no sound is shared */
export async function openTab(): Promise<MediaStream> {
  const stream = await navigator.mediaDevices.getDisplayMedia({ audio: true, video: true });
  for (const track of stream.getVideoTracks()) track.stop();
  const tracks = stream.getAudioTracks();
  if (tracks.length === 0)
    throw new Error('The tab was shared without its sound. Choose a tab, and tick "share audio".');
  return new MediaStream(tracks);
}

/** @param onEnd the sound has ended by itself: the microphone was unplugged, the tab closed */
export async function capture(stream: MediaStream, onEnd: () => void): Promise<Capture> {
  const context = new AudioContext({ sampleRate: 16_000 });
  await context.audioWorklet.addModule(new URL(document.body.dataset.capture ?? '', document.baseURI));
  const node = new AudioWorkletNode(context, 'capture', {
    numberOfOutputs: 0,
    channelCount: 1,
    channelCountMode: 'explicit',
  });
  const { port1, port2 } = new MessageChannel();
  node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => port1.postMessage(data);
  context.createMediaStreamSource(stream).connect(node);
  const recorder = new MediaRecorder(stream);
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const recording = new Promise<Blob>((resolve) => {
    recorder.onstop = () => resolve(new Blob(parts, { type: recorder.mimeType }));
  });
  recorder.start(1000);
  let isOver = false;
  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    if (recorder.state !== 'inactive') recorder.stop();
    for (const track of stream.getTracks()) track.stop();
    port1.postMessage(null);
    void context.close();
  };
  for (const track of stream.getTracks())
    track.addEventListener('ended', () => {
      if (!isOver) onEnd();
    });
  return { samples: port2, recording, finish };
}
