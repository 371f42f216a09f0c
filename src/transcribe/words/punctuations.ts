/** Marks that belong to the word after them. @see openai/whisper, whisper/transcribe.py: prepend_punctuations */
export const defaultPrependPunctuations = '"\'“¿([{-';
/** Marks that belong to the word before them. @see the same: append_punctuations */
export const defaultAppendPunctuations = '"\'.。,，!！?？:：”)]}、';
