#!/usr/bin/env bash
# Installs what building (`prepare.sh build`), testing (`prepare.sh test`) or `make interop` needs, where it may (root, apt or dnf);
# otherwise names exactly what is missing.
set -euo pipefail

purpose=${1:-build}
missing=()

have() { command -v "$1" >/dev/null 2>&1; }

# Packages by distribution: command, Debian's name, Fedora's name.
need() { have "$1" || missing+=("$2:$3"); }

need cc gcc gcc
need make make make
if [ "$purpose" = test ]; then
    need git git git
    if ! have chromium && ! have chromium-browser && ! have google-chrome; then
        missing+=("chromium:chromium")
    fi
    # Text recognition is tested with the real programs.
    need tesseract tesseract-ocr tesseract
    need pdftoppm poppler-utils poppler-utils
    # The store's tests also run on PostgreSQL, on a private cluster of their own.
    if ! have initdb && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
        missing+=("postgresql:postgresql-server")
    fi
fi

if [ "$purpose" = interop ]; then
    need python3 python3 python3
    need cmake cmake cmake
    need c++ g++ gcc-c++
    # Ollama's headers, where Go is there to build it.
    if have go; then
        [ -e /usr/include/nlohmann/json_fwd.hpp ] || missing+=("nlohmann-json3-dev:json-devel")
        [ -e /usr/include/stb/stb_image.h ] || missing+=("libstb-dev:stb_image-devel")
    fi
fi

install_debian() {
    local names=("${missing[@]%%:*}")
    if [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "${names[@]}" >/dev/null
    else
        echo "missing: sudo apt-get install ${names[*]}" >&2
        return 1
    fi
}

install_fedora() {
    local names=("${missing[@]##*:}")
    if [ "$(id -u)" = 0 ]; then
        dnf install -y -q "${names[@]}"
    else
        echo "missing: sudo dnf install ${names[*]}" >&2
        return 1
    fi
}

if [ ${#missing[@]} -gt 0 ]; then
    if have apt-get; then
        install_debian || { [ "$purpose" = test ] && echo "the tests that need them are skipped, and say so" >&2 || exit 1; }
    elif have dnf; then
        install_fedora || { [ "$purpose" = test ] && echo "the tests that need them are skipped, and say so" >&2 || exit 1; }
    else
        echo "missing: ${missing[*]%%:*}; install them with your package manager" >&2
        [ "$purpose" = test ] || exit 1
    fi
fi

if ! have cargo; then
    echo "missing: a Rust toolchain, 1.95 or newer (https://rustup.rs)" >&2
    exit 1
fi
if ! have node || ! have npm; then
    echo "missing: Node.js 20.19 or newer with npm (https://nodejs.org)" >&2
    exit 1
fi
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || {
    echo "missing: Node.js 20.19 or newer; this is $(node --version)" >&2
    exit 1
}
if [ "$purpose" = test ]; then
    for component in rustfmt clippy; do
        cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || { echo "missing: rustup component add $component" >&2; exit 1; }
    done
fi
