#!/usr/bin/env bash
# Installs the built binary; with --service also a systemd service of the current user.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=target/release/finetuneflow
prefix=${PREFIX:-/usr/local}
[ -x "$binary" ] || { echo "build it first: make build" >&2; exit 1; }

if [ -w "$prefix/bin" ]; then
    install -m 755 "$binary" "$prefix/bin/finetuneflow"
else
    sudo install -m 755 "$binary" "$prefix/bin/finetuneflow"
fi
echo "installed $prefix/bin/finetuneflow"

if [ "${1:-}" = --service ]; then
    units="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
    mkdir -p "$units"
    cat >"$units/finetuneflow.service" <<UNIT
[Unit]
Description=FineTuneFlow studio

[Service]
ExecStart=$prefix/bin/finetuneflow serve
Restart=on-failure

[Install]
WantedBy=default.target
UNIT
    systemctl --user daemon-reload
    systemctl --user enable --now finetuneflow
    echo "the studio runs on http://127.0.0.1:8000 (systemctl --user status finetuneflow)"
fi
