"""Trains a model that Auscult saved on parts that Auscult divided, with transformers' Trainer.

For more than one GPU or machine: torchrun and accelerate start it as they start any Trainer script.

    auscult notes split NOTES --label section --out parts
    torchrun --nproc_per_node 8 train_elsewhere.py classify runs/first/best parts elsewhere
    accelerate launch train_elsewhere.py classify runs/first/best parts elsewhere

The folder that it writes is a model that Auscult opens.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

IGNORED = -100


def read(file):
    with open(file, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def spans(note):
    """Marked spans as (start, end, label), in characters; Auscult writes bytes."""
    data = note["text"].encode()
    to_characters = lambda byte: len(data[:byte].decode())
    for span in note["annotations"].get("spans", []):
        for piece in span["pieces"]:
            yield to_characters(piece["start"]), to_characters(piece["end"]), span["label"]


def tagged(tokenizer, note, number, length):
    """Tokens of a note with the label of each word on its first token."""
    marked = sorted(spans(note), key=lambda span: span[0] - span[1])
    tokens = tokenizer(
        note["text"], truncation=True, max_length=length, return_offsets_mapping=True
    )
    labels, word, open_span = [], None, None
    for (start, end), own in zip(tokens.pop("offset_mapping"), tokens.word_ids()):
        piece = note["text"][start:end]
        start += len(piece) - len(piece.lstrip())
        if own is None or own == word or start >= end:
            labels.append(IGNORED)
            continue
        word = own
        inside = next((span for span in marked if span[0] <= start < span[1]), None)
        begins = "I-" if inside is not None and inside == open_span else "B-"
        labels.append(number["O" if inside is None else begins + inside[2]])
        open_span = inside
    return {**tokens, "labels": labels}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["masked-lm", "classify", "tag"])
    parser.add_argument("model", help="folder of the model, such as RUN/best")
    parser.add_argument("parts", type=Path, help="folder with train.jsonl and validation.jsonl")
    parser.add_argument("out", help="folder for what is trained")
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--batch", type=int, default=8, help="notes per device and step")
    parser.add_argument("--steps", type=int, default=-1, help="-1 goes by epochs")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--lr", type=float, default=5e-5)
    parser.add_argument("--mask-rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cpu", action="store_true")
    own = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(own.model)
    parts = {name: read(own.parts / f"{name}.jsonl") for name in ("train", "validation")}
    if own.task == "tag":
        notes = parts["train"] + parts["validation"]
        kinds = sorted({label for note in notes for _, _, label in spans(note)})
        names = ["O"] + [begin + kind for kind in kinds for begin in ("B-", "I-")]
    else:
        names = sorted({label for note in parts["train"] for label in note.get("labels", [])})
    number = {name: at for at, name in enumerate(names)}
    labelled = {"num_labels": len(names), "id2label": dict(enumerate(names)), "label2id": number}

    def encoded(note):
        if own.task == "tag":
            return tagged(tokenizer, note, number, own.max_tokens)
        tokens = tokenizer(note["text"], truncation=True, max_length=own.max_tokens)
        if own.task == "classify":
            tokens["labels"] = number[note["labels"][0]]
        return tokens

    if own.task == "classify":
        known = lambda note: len(note.get("labels", [])) == 1 and note["labels"][0] in number
        parts = {name: list(filter(known, notes)) for name, notes in parts.items()}
        config = AutoConfig.from_pretrained(own.model, **labelled)
        model = AutoModelForSequenceClassification.from_pretrained(
            own.model, config=config, ignore_mismatched_sizes=True
        )
        collator = DataCollatorWithPadding(tokenizer)
    elif own.task == "tag":
        config = AutoConfig.from_pretrained(own.model, **labelled)
        model = AutoModelForTokenClassification.from_pretrained(
            own.model, config=config, ignore_mismatched_sizes=True
        )
        collator = DataCollatorForTokenClassification(tokenizer)
    else:
        model = AutoModelForMaskedLM.from_pretrained(own.model)
        collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=own.mask_rate)
    examples = {name: [encoded(note) for note in notes] for name, notes in parts.items()}

    arguments = TrainingArguments(
        output_dir=own.out,
        max_steps=own.steps,
        num_train_epochs=own.epochs,
        per_device_train_batch_size=own.batch,
        per_device_eval_batch_size=own.batch,
        learning_rate=own.lr,
        bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        use_cpu=own.cpu,
        seed=own.seed,
        eval_strategy="steps" if own.steps > 0 else "epoch",
        eval_steps=max(own.steps, 1),
        save_strategy="no",
        logging_steps=10,
        report_to="none",
        ddp_find_unused_parameters=False,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=collator,
        train_dataset=examples["train"],
        eval_dataset=examples["validation"],
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model(own.out)


if __name__ == "__main__":
    main()
