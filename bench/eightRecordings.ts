/** Of different speakers and lengths, 159 s in all: what a batch, or a pool, is measured by. */
export const eightRecordings = [
  'en_harvard_1.flac',
  'en_earnings22_1.mp3',
  'en_mfa_1.mp3',
  'en_fleurs_1.ogg',
  'en_fleurs_3.ogg',
  'en_librispeech_1.flac',
  'en_leopard_1.wav',
  'en_cheetah_2.flac',
];
