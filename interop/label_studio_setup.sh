#!/bin/sh
# Makes the Python environment of the Label Studio check in target/label-studio. Takes several minutes and a gigabyte.
set -eu
cd "$(dirname "$0")/.."
command -v python3 >/dev/null || { echo "interop: python3 is needed; install it with your package manager" >&2; exit 1; }
python3 -m venv target/label-studio
target/label-studio/bin/pip install --quiet --requirement interop/label_studio_requirements.txt
