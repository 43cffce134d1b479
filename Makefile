# FineTuneFlow. `make demo` shows the whole way on a sample document; `make test` checks everything; `make run` starts the studio.

BINARY := target/release/finetuneflow
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CARGO_FLAGS := --release --locked -j$(JOBS)

.PHONY: all build web demo run test lint deny notices bench interop clean tools

all: build

## Tools: installs what is missing where it may, or names it.
tools:
	@scripts/prepare.sh build

## The web app, built before the binary that carries it.
web: tools
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run build

build: web
	cargo build $(CARGO_FLAGS) -p finetuneflow

demo: build
	$(BINARY) demo --json

run: build
	$(BINARY) serve

## Everything that must hold: formatting, lints, notices, Rust tests, web tests, a real browser.
test: web
	@scripts/prepare.sh test
	cargo fmt --all --check
	cargo clippy --locked -j$(JOBS) --workspace --all-targets -- -D warnings
	node scripts/third-party-notices.mjs --check
	cargo build $(CARGO_FLAGS) -p finetuneflow
	cargo test $(CARGO_FLAGS) --workspace
	cd web && npm test
	cd web && npm run e2e

lint:
	cargo fmt --all --check
	cargo clippy --locked -j$(JOBS) --workspace --all-targets -- -D warnings

## Licences and advisories of every dependency (needs cargo-deny: `cargo install --locked cargo-deny`).
deny:
	cargo deny --locked check licenses bans sources

notices:
	node scripts/third-party-notices.mjs

bench:
	cargo bench --locked -p engine
	cargo bench --locked -p documents

## Our files in other programs: PEFT, transformers, llama.cpp (from PyPI, into target/interop; builds llama.cpp, 10 minutes or more);
## examples through a real Label Studio and back (from PyPI, into target/label-studio, 1 GB).
interop: build
	@scripts/prepare.sh interop
	interop/run.sh

clean:
	cargo clean
	rm -rf web/dist web/node_modules
