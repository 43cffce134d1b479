#!/bin/sh
# Loads our files in the programs that they are made for: PEFT, transformers, llama.cpp, Ollama; shares a cache with huggingface_hub.
# Then has the servers of llama.cpp and Ollama write examples, asks our server with OpenAI's client, and takes examples through a
# real Label Studio and back.
#   interop/run.sh [MODEL_DIR [ADAPTER_DIR]]
# MODEL_DIR defaults to the bundled base model; without ADAPTER_DIR small adapters (LoRA, DoRA) are trained first.
# FINETUNEFLOW is our binary, PYTHON an interpreter with interop/requirements.txt (made here if not given).
set -eu
cd "$(dirname "$0")/.."
model=${1:-base-model/model}
binary=${FINETUNEFLOW:-target/release/finetuneflow}
if [ -z "${PYTHON:-}" ]; then
    PYTHON=target/interop/bin/python
    [ -x "$PYTHON" ] && "$PYTHON" -c 'import llama_cpp, openai, peft, transformers' 2>/dev/null || sh interop/setup.sh
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
families=--families
check() { # ADAPTER_DIR NAME
    mkdir "$work/$2"
    for check in peft merged gguf; do
        "$PYTHON" "interop/${check}_check.py" --binary "$binary" --model "$model" --adapter "$1" --work "$work/$2" || failed=1
    done
    # The templates of other families need no adapter: once is enough.
    "$PYTHON" interop/ollama_check.py --binary "$binary" --model "$model" --adapter "$1" --work "$work/$2" $families || failed=1
    families=
}
trained() { # NAME FLAGS…
    name=$1
    shift
    "$binary" --json train --model "$model" --data interop/rows.jsonl --out "$work/run-$name" --max-steps 4 --rank 8 --alpha 32 \
        --learning-rate 1e-3 --schedule constant --precision f32 --seed 1 "$@" >"$work/train-$name.jsonl"
    found=$(find "$work/run-$name" -name adapter_config.json | head -n 1)
    [ -n "$found" ] || { echo "interop: the training wrote no adapter" >&2; exit 1; }
    echo "== $name"
    check "$(dirname "$found")" "$name"
}
if [ -n "${2:-}" ]; then
    check "$2" given
else
    trained lora
    trained dora --method dora --rslora --dropout 0.1 --layers last:2
fi
echo "== hub"
mkdir "$work/hub"
"$PYTHON" interop/hub_check.py --binary "$binary" --model "$model" --work "$work/hub" || failed=1
echo "== families"
mkdir "$work/families"
"$PYTHON" interop/families_check.py --binary "$binary" --model "$model" --work "$work/families" || failed=1
echo "== providers"
mkdir "$work/providers"
"$PYTHON" interop/providers_check.py --binary "$binary" --model "$model" --document samples/handbook-1/handbook.pdf --work "$work/providers" || failed=1
echo "== openai"
mkdir "$work/openai"
"$PYTHON" interop/openai_check.py --binary "$binary" --model "$model" --work "$work/openai" || failed=1
echo "== label studio"
FINETUNEFLOW="$binary" interop/label_studio.sh || failed=1
exit "$failed"
