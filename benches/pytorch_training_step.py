"""Times a step of masked-LM training in PyTorch, as `auscult bench training-step` does in Auscult.

The same shapes, f32, one sequence of random tokens, 30 % of them to be guessed, logits for those
alone, clipping at 1, AdamW; transformers' ModernBERT with sdpa attention. On the CPU, with 2
threads if not told otherwise:

    pip install torch transformers
    python benches/pytorch_training_step.py --size base --lengths 128,512,2048
    auscult bench training-step --device cpu --beside "python benches/pytorch_training_step.py"

The second command measures both, length by length, and says how many times faster Auscult is.
"""

import argparse
import json
import statistics
import sys
import time

SIZES = {"base": (50_368, 768, 1152, 12, 22), "tiny": (512, 64, 96, 4, 4)}
MASK_RATE = 0.3
LR = 1e-4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--lengths", default="128,512,2048,8192", help="tokens, comma separated")
    parser.add_argument("--vocab", type=int, help="entries of the vocabulary")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--recompute", action="store_true", help="gradient checkpointing")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each length")
    return parser.parse_args()


def model(options):
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    vocabulary, hidden, inner, heads, layers = SIZES[options.size]
    config = ModernBertConfig(
        vocab_size=options.vocab or vocabulary,
        hidden_size=hidden,
        intermediate_size=inner,
        num_attention_heads=heads,
        num_hidden_layers=layers,
        max_position_embeddings=8192,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
        cls_token_id=None,
        sep_token_id=None,
        attn_implementation="sdpa",
        sparse_prediction=True,
    )
    model = ModernBertForMaskedLM(config).float().train()
    if options.recompute:
        model.gradient_checkpointing_enable()
    return model


def measure(options, tokens):
    import torch

    torch.manual_seed(0)
    own = model(options)
    vocabulary = own.config.vocab_size
    optimizer = torch.optim.AdamW(
        own.parameters(), lr=LR, betas=(0.9, 0.98), eps=1e-6, weight_decay=1e-5, fused=True
    )
    text = torch.randint(0, vocabulary, (1, tokens))

    def step():
        times = [time.perf_counter()]
        hidden = torch.rand(text.shape) < MASK_RATE
        hidden[0, 0] |= not hidden.any()
        ids, labels = text.clone(), torch.where(hidden, text, -100)
        fate = torch.rand(text.shape)
        ids[hidden & (fate < 0.8)] = 0
        swapped = hidden & (fate >= 0.8) & (fate < 0.9)
        ids[swapped] = torch.randint(0, vocabulary, (int(swapped.sum()),))
        times.append(time.perf_counter())
        output = own(input_ids=ids, labels=labels)
        assert output.logits.reshape(-1, vocabulary).shape[0] == int(hidden.sum()), "all logits"
        output.loss.backward()
        times.append(time.perf_counter())
        torch.nn.utils.clip_grad_norm_(own.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(time.perf_counter())
        return times

    def seconds(times):
        return times[-1] - times[0]

    first = seconds(step())
    runs = 5 if first < 1 else 3 if first < 10 else 1
    whole = statistics.median(seconds(step()) for _ in range(runs))
    start, prepared, differentiated, updated = step()
    return {
        "tokens": tokens,
        "runs": runs,
        "seconds": whole,
        "tokens_per_second": tokens / whole,
        "prepare": prepared - start,
        "model": differentiated - prepared,
        "update": updated - differentiated,
        "peak_bytes": peak_bytes(),
    }


def peak_bytes():
    """The largest memory of the whole process so far, in bytes; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_words(count):
    return "is not told here" if count is None else f"{count / 1e9:.2f} GB"


def main():
    options = arguments()
    import torch

    torch.set_num_threads(options.threads)
    for tokens in map(int, options.lengths.split(",")):
        step = measure(options, tokens)
        if options.json:
            print(json.dumps(step), flush=True)
            continue
        print(
            f"{tokens} tokens: {step['seconds']:.3f} s a step (median of {step['runs']}), "
            f"{step['tokens_per_second']:.0f} tokens/s\n"
            f"  loss and gradients {step['model']:.3f} s, update {step['update']:.4f} s, "
            f"masks {step['prepare']:.4f} s\n"
            f"  peak memory of the process {in_words(step['peak_bytes'])}",
            flush=True,
        )


if __name__ == "__main__":
    main()
