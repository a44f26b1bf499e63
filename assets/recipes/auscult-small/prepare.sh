#!/bin/sh
# Makes parts/ and tokenizer/ from data/, for pretrain.toml and what follows it.
# What must lie in data/ and where it comes from: ../README.md.
set -eu
a="${AUSCULT:-auscult}"

# Codes of injuries and their causes (chapters 19 and 20) are two thirds of ICD-10-CM and much alike:
# one in ten of them is kept.
mkdir -p parts
gzip -dc data/icd10cm.tsv.gz | awk -F'\t' 'NR == 1 || ($3 != 19 && $3 != 20) || NR % 10 == 0' > parts/icd10.tsv

# No category of codes is in two parts, so that a description is never judged by its neighbours.
$a notes split parts/icd10.tsv --form 'ICD 10 code for {code}: {description}' \
    --group category --label chapter --ratio 90:10 --out parts/icd10
$a notes split parts/icd10.tsv --form '{description}' \
    --group category --label chapter --ratio 90:10 --out parts/icd10-descriptions
$a notes split data/icd9cm.tsv.gz --form 'ICD 9 code for {code}: {description}' \
    --group category --label chapter --ratio 95:5 --out parts/icd9
$a notes split data/text/pubmed --text title --text abstract --ratio 98:2 --out parts/pubmed
$a notes split data/text/pubmedqa/pqal-dev500.json.gz --ratio 96:4 --out parts/pubmedqa
$a notes split data/text/maccrobat --ratio 90:10 --out parts/maccrobat
$a notes split data/text/ncbi-disease/conll/train.tsv \
    --validation data/text/ncbi-disease/conll/devel.tsv --out parts/ncbi
for column in section_text dialogue; do
    $a notes split data/text/mts-dialog/MTS-Dialog-TrainingSet.csv \
        --validation data/text/mts-dialog/MTS-Dialog-ValidationSet.csv \
        --text $column --label section_header --out parts/mts-$column
done
for column in note dialogue; do
    $a notes split data/text/aci-bench/train.csv data/text/aci-bench/clinicalnlp_taskB_test1.csv \
        --validation data/text/aci-bench/valid.csv --text $column --out parts/aci-$column
done

$a tokenizer train --vocab-size 8192 --out tokenizer \
    parts/aci-dialogue/train.jsonl parts/aci-note/train.jsonl parts/icd10/train.jsonl \
    parts/icd9/train.jsonl parts/maccrobat/train.jsonl parts/mts-dialogue/train.jsonl \
    parts/mts-section_text/train.jsonl parts/ncbi/train.jsonl parts/pubmed/train.jsonl \
    parts/pubmedqa/train.jsonl
