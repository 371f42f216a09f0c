"""PyTorch and transformers on the same card: Whisper large-v2's shape with random weights. Each measurement may fail alone."""
import json
import sys
import time

out, small = sys.argv[1], "--small" in sys.argv
rows = []


def note(**row):
    rows.append(row)
    print("pytorch:", row, flush=True)
    with open(out, "w") as file:
        json.dump(rows, file, indent=1)


def attempt(what, work):
    try:
        work()
    except Exception as error:
        note(failed=what, why=(str(error) or repr(error))[:300])


def main():
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    note(torch=torch.__version__, device=torch.cuda.get_device_name() if device == "cuda" else "cpu")

    def seconds(work, times):
        work()
        wait()
        before = time.perf_counter()
        for _ in range(times):
            work()
        wait()
        return (time.perf_counter() - before) / times

    def products(dtype):
        torch.backends.cuda.matmul.allow_tf32 = False
        for n, k in [(64, 64)] if small else [(384, 384), (1536, 384), (1280, 1280), (5120, 1280), (1280, 5120)]:
            x, w = (torch.randn(size, k, device=device, dtype=dtype) for size in (1500, n))
            each = seconds(lambda: x @ w.T, 50)
            note(what=f"product 1500x{n}x{k}", dtype=str(dtype), gflops=3000 * n * k / each / 1e9)
            each = seconds(lambda: x[:1] @ w.T, 200)
            note(what=f"product 1x{n}x{k}", dtype=str(dtype), us=each * 1e6)

    def model(dtype):
        from transformers import WhisperConfig, WhisperForConditionalGeneration

        width, layers = (64, 1) if small else (1280, 32)
        config = WhisperConfig(
            vocab_size=51865, num_mel_bins=80, d_model=width, encoder_layers=layers, decoder_layers=layers,
            encoder_attention_heads=width // 64, decoder_attention_heads=width // 64, encoder_ffn_dim=4 * width,
            decoder_ffn_dim=4 * width, max_target_positions=448, attn_implementation="sdpa",
        )
        with torch.device(device):
            whisper = WhisperForConditionalGeneration(config).to(dtype).eval()
        with torch.inference_mode():
            for batch in [1] if small else [1, 16]:
                mel = torch.randn(batch, 80, 3000, device=device, dtype=dtype)
                window = seconds(lambda: whisper.model.encoder(mel), 3) / batch
                encoded = whisper.model.encoder(mel)

                def decode(steps):
                    ids, past = torch.full((batch, 4), 11, device=device), None
                    for _ in range(steps):
                        found = whisper(encoder_outputs=encoded, decoder_input_ids=ids, past_key_values=past, use_cache=True)
                        past, ids = found.past_key_values, found.logits[:, -1:].argmax(-1)

                steps = 5 if small else 110
                step = seconds(lambda: decode(steps), 1) / steps
                note(model="large-v2", dtype=str(dtype), batch=batch, window_ms=1000 * window, step_ms=1000 * step)
                note(what="an hour, by these", dtype=str(dtype), batch=batch, seconds=120 * (window + 110 * step / batch))

    for dtype in [torch.float16, torch.float32]:
        attempt(f"products {dtype}", lambda: products(dtype))
        attempt(f"model {dtype}", lambda: model(dtype))


attempt("all", main)
