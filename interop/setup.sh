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
# Ollama is built where Go and two headers are installed (Debian: nlohmann-json3-dev, libstb-dev); without it, its check says
# that it was left out.
if command -v go >/dev/null; then
    GOBIN=$PWD/target/interop/bin CGO_CXXFLAGS="-O2 -I$PWD/interop/include" go install github.com/ollama/ollama@v0.17.4 ||
        echo "interop: Ollama could not be built" >&2
fi
