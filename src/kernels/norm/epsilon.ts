/** What is added to the variance. @see openai/whisper, whisper/model.py: LayerNorm is PyTorch's, whose default it is */
export const EPSILON = 1e-5;
