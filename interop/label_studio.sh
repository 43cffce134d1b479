#!/bin/sh
# Takes examples through a real Label Studio and back, with both kinds of token.
# FINETUNEFLOW is our binary, LABEL_STUDIO a Python environment with interop/label_studio_requirements.txt (made here if
# not given).
set -eu
cd "$(dirname "$0")/.."
if [ -z "${LABEL_STUDIO:-}" ]; then
    LABEL_STUDIO=target/label-studio
    [ -x "$LABEL_STUDIO/bin/label-studio" ] || sh interop/label_studio_setup.sh
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$LABEL_STUDIO/bin/python" interop/label_studio_check.py --binary "${FINETUNEFLOW:-target/release/finetuneflow}" \
    --label-studio "$LABEL_STUDIO/bin/label-studio" --work "$work"
