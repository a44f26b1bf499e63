"""Trains small models with Auscult and loads them with transformers and peft.

    pip install -r tests/interop/requirements.txt
    cargo build --release
    python tests/interop/check.py --auscult target/release/auscult

Every kind of checkpoint that a run leaves is loaded with `from_pretrained`: no key may be missing,
unexpected or of another shape. Then both programs read the same notes, and the largest difference of
what they say is printed. The exit status is 1 if anything does not load or differs by more than
TOLERANCE. It takes a few minutes on two cores; nothing is fetched.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import (  # noqa: E402
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "fixtures" / "tiny"
NOTES = [ROOT / "assets" / "notes" / name for name in ("progress-note.txt", "discharge-summary.txt")]
# Both compute in f32 and add in another order. Logits here are of the size of 1.
TOLERANCE = 2e-5


class Failed(Exception):
    """Something does not load or does not agree."""


class Differs(Failed):
    """Numbers of both sides are not the same."""


class Auscult:
    def __init__(self, program):
        self.program = program

    def __call__(self, *arguments, lines=True):
        command = [self.program, *map(str, arguments), "--device", "cpu", "--quiet"]
        command += ["--json"] if lines else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()] if lines else None

    def train(self, run, notes, *fields):
        """The run's folder, after a few steps on these notes."""
        self(
            "train", "--model", TINY, "--run", run, "--train", notes, "--epochs", 1, "--batch", 4,
            "--max-tokens", 64, "--lr", 1e-3, *fields, lines=False,
        )
        return run


def invented(folder):
    """Notes of two kinds with one label, several labels, and marked spans."""
    kinds = [("lung", "cough"), ("heart", "chest pain"), ("gut", "abdominal pain")]
    single, several, spans = [], [], []
    for number in range(60):
        label, finding = kinds[number % 3]
        text = f"She has had {finding} for {number} days and no fever. Denies nausea."
        start = text.index(finding)
        single.append({"id": number, "text": text, "label": label})
        labels = [label] + (["long"] if number > 30 else [])
        several.append({"id": number, "text": text, "label": labels})
        marked = [[start, start + len(finding), "FINDING"]]
        spans.append({"id": number, "text": text, "label": marked})
    paths = []
    for name, rows in (("single", single), ("several", several), ("spans", spans)):
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        paths.append(path)
    return paths


def load(kind, folder):
    """The model of a folder, if every key of both sides is the other's."""
    model, info = kind.from_pretrained(folder, output_loading_info=True)
    wrong = {name: keys for name, keys in info.items() if keys}
    if wrong:
        raise Failed(f"{folder}: {wrong}")
    return model.float().eval()


def texts():
    return [path.read_text(encoding="utf-8") for path in NOTES]


def encoded(folder, text):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer(text, return_tensors="pt", return_offsets_mapping=True)


def run_model(model, inputs):
    names = ("input_ids", "attention_mask")
    with torch.no_grad():
        return model(**{name: inputs[name] for name in names})


def difference(ours, theirs):
    ours, theirs = torch.as_tensor(ours), torch.as_tensor(theirs)
    if ours.shape != theirs.shape:
        raise Failed(f"{tuple(ours.shape)} values, and {tuple(theirs.shape)} there")
    largest = (ours - theirs).abs().max().item()
    if not largest <= TOLERANCE:
        raise Differs(f"differs by {largest:.2e}")
    return largest


def hidden_states(auscult, folder):
    """The largest difference of the encoder's output, token by token."""
    worst = 0.0
    # The encoder alone: the head's keys are left over, and rightly so.
    model = AutoModel.from_pretrained(folder).float().eval()
    for path, text in zip(NOTES, texts()):
        ours = auscult("embed", "--model", folder, "--unit", "token", path)
        ours = [unit["vector"] for unit in ours]
        inputs = encoded(folder, text)
        states = run_model(model, inputs).last_hidden_state[0]
        special = AutoTokenizer.from_pretrained(folder).get_special_tokens_mask(
            inputs["input_ids"][0].tolist(), already_has_special_tokens=True
        )
        kept = [row for row, own in enumerate(special) if not own]
        worst = max(worst, difference(ours, states[kept]))
    return worst


def guesses(auscult, folder):
    """Logarithms of the scores of ten candidates for each of several masks."""
    model, worst = load(AutoModelForMaskedLM, folder), 0.0
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for number, path in enumerate(NOTES):
        masked = path.read_text(encoding="utf-8")
        words = ("denies", "blood") if number == 0 else ("discharge", "patient")
        for word in words:
            masked = masked.replace(f" {word} ", f" {tokenizer.mask_token} ")
        with tempfile.TemporaryDirectory() as temporary:
            file = Path(temporary) / "note.txt"
            file.write_text(masked, encoding="utf-8")
            [note] = auscult("fill-mask", "--model", folder, "--top", 10, file)
        inputs = encoded(folder, masked)
        scores = run_model(model, inputs).logits[0].log_softmax(-1)
        rows = (inputs["input_ids"][0] == tokenizer.mask_token_id).nonzero().flatten()
        if len(rows) == 0 or len(rows) != len(note["masks"]):
            raise Failed(f"{len(note['masks'])} masks, and {len(rows)} there")
        for row, mask in zip(rows, note["masks"]):
            ours = torch.tensor([own["score"] for own in mask["candidates"]]).log()
            theirs = scores[row, [own["id"] for own in mask["candidates"]]]
            best = scores[row].topk(10).indices.tolist()
            if sorted(best) != sorted(own["id"] for own in mask["candidates"]):
                raise Failed("other candidates are the best ten")
            worst = max(worst, difference(ours, theirs))
    return worst


def class_logits(auscult, folder, model=None):
    """Logits of all classes; of `model` if it is given, else of the folder's own."""
    model = model or load(AutoModelForSequenceClassification, folder)
    names = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "scores.jsonl"
        auscult(
            "classify", "--model", folder, "--function", "none", "--top", 100, "--out", out,
            *NOTES, lines=False,
        )
        notes = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    worst = 0.0
    for note, text in zip(notes, texts(), strict=True):
        scores = {own["label"]: own["score"] for own in note["labels"]}
        ours = [scores[names[str(at)]] for at in range(len(names))]
        theirs = run_model(model, encoded(folder, text)).logits[0]
        worst = max(worst, difference(ours, theirs))
    return worst


def token_scores(auscult, folder):
    """Logarithms of the score of each token's label."""
    model, worst = load(AutoModelForTokenClassification, folder), 0.0
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for path, text in zip(NOTES, texts()):
        [note] = auscult("tag", "--model", folder, "--aggregation", "none", "--ignore", "-", path)
        inputs = encoded(folder, text)
        scores = run_model(model, inputs).logits[0].log_softmax(-1)
        special = tokenizer.get_special_tokens_mask(
            inputs["input_ids"][0].tolist(), already_has_special_tokens=True
        )
        # Auscult shows no span of white space alone.
        spans = inputs["offset_mapping"][0].tolist()
        kept = [
            row for row, own in enumerate(special) if not own and text[slice(*spans[row])].strip()
        ]
        best = scores[kept].max(-1)
        labels = [model.config.id2label[at] for at in best.indices.tolist()]
        if labels != [span["label"] for span in note["spans"]]:
            raise Failed("other labels are the best")
        ours = torch.tensor([span["score"] for span in note["spans"]]).log()
        worst = max(worst, difference(ours, best.values))
    return worst


def token_ids(auscult, model, tokenizer):
    """How many ids of a trained tokenizer were compared; all are equal."""
    compared = 0
    opened = AutoTokenizer.from_pretrained(tokenizer)
    for path, text in zip(NOTES, texts()):
        [note] = auscult("surprise", "--model", model, "--mask-every", 16, path)
        ours = [own["id"] for own in note["measured"]]
        theirs = opened(text, add_special_tokens=False)["input_ids"]
        if ours != theirs:
            raise Failed(f"{path.name}: other ids")
        compared += len(ours)
    return compared


def checks(auscult, folder):
    """Each check by its name: a function that gives the largest difference, or a count."""
    single, several, spans = invented(folder)

    def masked():
        return auscult.train(folder / "masked-lm", single) / "best"

    def classes(name, notes, *fields):
        return auscult.train(folder / name, notes, "--task", "classify", *fields) / "best"

    def tagger():
        return auscult.train(folder / "tagger", spans, "--task", "tag") / "best"

    def low_rank(merged):
        run = folder / "lora"
        if not run.exists():
            classes("lora", single, "--mode", "lora", "--lora-rank", 4)
        if merged:
            return class_logits(auscult, run / "best")
        start = load(AutoModelForSequenceClassification, run / "start")
        try:
            class_logits(auscult, run / "best", start)
            raise Failed("the adapter changes nothing, so that it shows nothing")
        except Differs:
            pass
        adapted = peft.PeftModel.from_pretrained(start, run / "best" / "adapter").eval()
        return class_logits(auscult, run / "best", adapted)

    def tokenizer():
        own = folder / "tokenizer"
        auscult(
            "tokenizer", "train", ROOT / "assets" / "notes", "--vocab-size", 600, "--out", own,
            lines=False,
        )
        fields = ("--from-scratch", "--tokenizer", own)
        run = auscult.train(folder / "from-scratch", single, *fields)
        return token_ids(auscult, run / "best", own)

    return {
        "masked-LM: scores of guesses": lambda: guesses(auscult, masked()),
        "masked-LM: hidden states": lambda: hidden_states(auscult, folder / "masked-lm" / "best"),
        "one class: logits": lambda: class_logits(auscult, classes("one", single)),
        "one class, head alone trained: logits": lambda: class_logits(
            auscult, classes("head", single, "--mode", "head")
        ),
        "several classes: logits": lambda: class_logits(
            auscult, classes("several", several, "--several-labels")
        ),
        "tagger: scores of labels": lambda: token_scores(auscult, tagger()),
        "low rank, merged: logits": lambda: low_rank(merged=True),
        "low rank, adapter in peft: logits": lambda: low_rank(merged=False),
        "trained tokenizer: equal ids": tokenizer,
        "from scratch: scores of guesses": lambda: guesses(
            auscult, folder / "from-scratch" / "best"
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--auscult", default="auscult", help="the program")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    print(
        f"torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, "
        f"peft {peft.__version__}; allowed: {TOLERANCE:.0e}\n"
    )
    print("| what | loads | largest difference |\n|---|---|---:|", flush=True)
    failures = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, check in checks(Auscult(options.auscult), Path(temporary)).items():
            try:
                found = check()
                shown = f"none in {found}" if isinstance(found, int) else f"{found:.1e}"
                print(f"| {name} | yes | {shown} |", flush=True)
            except Exception as error:  # noqa: BLE001 - each check is told of
                failures.append(f"{name}: {type(error).__name__}: {error}")
                print(f"| {name} | **no** | |", flush=True)
    for failure in failures:
        print(f"\n{failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
