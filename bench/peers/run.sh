#!/usr/bin/env bash
# Measures FineTuneFlow and other trainers on the same rows, one after the other, interleaved, and prints the table.
#   bench/peers/run.sh [FILTER]       FILTER: a regular expression on the names of the runs
# The Python environments are made below target/peers (several gigabytes from PyPI): `venv` for TRL + PEFT and plain PyTorch; for LLaMA-Factory,
# Axolotl and torchtune make venv-lf, venv-axolotl, venv-torchtune yourself (pip install llamafactory | axolotl | torchtune torchao):
# runs without their environment are left out, and said. Results: target/peers/results/NAME.json. FORCE=1 measures again what is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
filter=${1:-.} here=bench/peers
export PEERS=$PWD/target/peers HF_HUB_OFFLINE=1
mkdir -p "$PEERS/results" "$PEERS/models" "$PEERS/data"
if [ ! -x "$PEERS/venv/bin/python" ]; then
    python3 -m venv "$PEERS/venv"
    "$PEERS/venv/bin/pip" install --quiet --requirement $here/requirements.txt
fi
python=$PEERS/venv/bin/python
binary=target/release/finetuneflow
small=$PEERS/models/smollm2-135m large=$PEERS/models/qwen2.5-0.5b data=$PEERS/data/sft.jsonl
for model in "$small" "$large"; do
    [ -f "$model/model.safetensors" ] || "$python" $here/make_model.py --shape "$(basename "$model")" --out "$model"
done
[ -f "$data" ] || "$python" $here/make_sft.py --tokenizer "$small" --out "$data" --n 512

trl="$python $here/trl_lora.py --data $data --max-seconds 110"
ours="$python $here/ours.py --binary $binary --data $data"
runs="
ours-135m-bf16-1 $ours --model $small --dtype bf16 --steps 10
trl-135m-bf16 $trl --model $small --dtype bf16 --steps 10
ours-135m-bf16-2 $ours --model $small --dtype bf16 --steps 10
trl-135m-bf16-by-row $trl --model $small --dtype bf16 --batch 1 --accum 4 --steps 10
trl-135m-f32 $trl --model $small --dtype f32 --steps 10
ours-135m-f32 $ours --model $small --dtype f32 --steps 10
lf-135m-bf16 $PEERS/venv-lf/bin/python $here/llamafactory_lora.py --data $data --model $small --dtype bf16 --steps 8 --max-seconds 100
trl-135m-bf16-packing $trl --model $small --dtype bf16 --packing on --steps 5
trl-135m-bf16-checkpointing $trl --model $small --dtype bf16 --gradient-checkpointing on --steps 8
ours-05b-bf16-1 $ours --model $large --dtype bf16 --steps 8
trl-05b-bf16 $trl --model $large --dtype bf16 --steps 8
ours-05b-bf16-2 $ours --model $large --dtype bf16 --steps 8
trl-05b-bf16-by-row $trl --model $large --dtype bf16 --batch 1 --accum 4 --steps 8
lf-05b-bf16 $PEERS/venv-lf/bin/python $here/llamafactory_lora.py --data $data --model $large --dtype bf16 --steps 5 --max-seconds 100
trl-05b-f32 $trl --model $large --dtype f32 --steps 8
ours-05b-f32 $ours --model $large --dtype f32 --steps 8
axolotl-135m-f32 $PEERS/venv-axolotl/bin/python $here/axolotl_lora.py --data $data --model $small --steps 6
torchtune-05b-f32 $PEERS/venv-torchtune/bin/python $here/torchtune_lora.py --data $data --model $large --steps 4
"
echo "$runs" | grep -E "^[a-z0-9-]*($filter)" | while read -r name command; do
    result=$PEERS/results/$name.json
    [ -s "$result" ] && [ -z "${FORCE:-}" ] && continue
    [ -x "${command%% *}" ] || { echo "== $name left out: no ${command%% *}"; continue; }
    echo "== $name $(date +%T)"
    timeout 600 $command >"$result.new" 2>"$PEERS/results/$name.err" </dev/null && mv "$result.new" "$result" ||
        echo "   failed ($?): $(tail -1 "$PEERS/results/$name.err" | cut -c1-200)"
done
"$python" $here/table.py "$PEERS/results"
