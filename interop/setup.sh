#!/bin/sh
# Makes the Python environment of the interoperability checks in target/interop.
# llama-cpp-python is compiled from its source distribution: that takes about ten minutes, a C++ compiler and cmake.
set -eu
cd "$(dirname "$0")/.."
for program in python3 cmake c++; do
    command -v "$program" >/dev/null || { echo "interop: $program is needed; install it with your package manager" >&2; exit 1; }
done
python3 -m venv target/interop
target/interop/bin/pip install --quiet --requirement interop/requirements.txt
