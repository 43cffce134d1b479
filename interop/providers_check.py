#!/usr/bin/env python3
"""`dataset generate` against real servers: llama.cpp's (llama-cpp-python) and, where it is there, Ollama's.

The model is tiny and its answers are nonsense: every chunk must end with examples or with a reason, our command, killed three
times, must go on without asking for a kept reply again, and nothing may hang.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import product

# No command and no start of a server may take longer.
PATIENCE = 600
MODEL = "tiny"
# Shares of the chunks after which our command is killed.
KILLS = [0.15, 0.4, 0.8]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def served(name, command, url, log, environment=None):
    """A server that answers at the URL, ended afterwards."""
    with open(log, "wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **(environment or {})})
        try:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    urllib.request.urlopen(url, timeout=5).read()
                    break
                except (urllib.error.URLError, OSError):
                    if server.poll() is not None or time.monotonic() > until:
                        sys.exit(f"{name} did not start:\n{pathlib.Path(log).read_text(errors='replace')[-2000:]}")
                    time.sleep(0.2)
            yield
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def command(args, work, name, address):
    return [args.binary, "--json", "dataset", "generate", str(work / f"{name}-chunks.jsonl"), "--out", str(work / f"{name}.jsonl"),
            "--provider", "openai_compatible", "--address", address, "--model", MODEL, "--count", "2", "--max-tokens", "64",
            "--timeout", "120"]


def chunks_of(work, name, count):
    """So many chunks of the document, numbered so that no two are the same."""
    lines = [json.loads(line) for line in open(work / "all.jsonl", encoding="utf8")]
    with open(work / f"{name}-chunks.jsonl", "w", encoding="utf8") as out:
        for number in range(count):
            chunk = dict(lines[number % len(lines)], chunk_id=f"c{number}")
            chunk["text"] = f"Part {number}. {chunk['text']}"
            out.write(json.dumps(chunk) + "\n")


def generate(args, work, name, address):
    done = subprocess.run(command(args, work, name, address), capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def killed_after(args, work, name, address, units):
    """Starts the command and kills it when so many chunks have ended."""
    process = subprocess.Popen(command(args, work, name, address), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "progress" and event["progress"].get("done", 0) >= units:
            process.send_signal(signal.SIGKILL)
            break
    process.wait(30)
    process.stdout.close()
    return process.returncode == -signal.SIGKILL


def check(args, work, name, address, chunks):
    chunks_of(work, name, chunks)
    started = time.monotonic()
    kills = sum(killed_after(args, work, name, address, units=int(share * chunks)) for share in KILLS)
    told = generate(args, work, name, address)
    result = told[-1]
    aside = [event for event in told if event["event"] == "set_aside"]
    again = generate(args, work, name, address)[-1]
    records = [json.loads(line) for line in open(work / f"{name}.jsonl", encoding="utf8")]
    units, calls = result["units"], result["usage"]["calls"]
    checks = {
        f"it was killed {len(KILLS)} times": kills == len(KILLS),
        f"all {chunks} chunks have ended": units["pending"] == 0 and units["done"] + units["quarantined"] == chunks,
        "each chunk that is set aside has its reason": len(aside) == units["quarantined"] and all(e["reason"] for e in aside),
        "records are those of the chunks that are done": len(records) == result["examples"] and (units["done"] > 0) == bool(records),
        "nothing is asked again": again["usage"]["calls"] == calls,
    }
    for what, good in checks.items():
        print(f"{'ok  ' if good else 'FAIL'} {name}: {what}")
    reasons = sorted({event["reason"].split(":")[0][:60] for event in aside})
    print(f"     {name}: {units['done']} done, {units['quarantined']} set aside ({'; '.join(reasons[:4])}), {len(records)} examples, "
          f"{calls} calls, {time.monotonic() - started:.0f} s")
    return all(checks.values())


def llama_cpp(args, work, gguf):
    port = free_port()
    address = f"http://127.0.0.1:{port}/v1"
    server = [sys.executable, "-m", "llama_cpp.server", "--model", str(gguf), "--model_alias", MODEL, "--n_ctx", "1024",
              "--host", "127.0.0.1", "--port", str(port)]
    with served("llama.cpp", server, f"{address}/models", work / "llama.log"):
        return check(args, work, "llama.cpp", address, 1000)


def ollama(args, work, gguf, program):
    port = free_port()
    host = f"127.0.0.1:{port}"
    environment = {"OLLAMA_HOST": host, "OLLAMA_MODELS": str(work / "ollama"), "HOME": str(work), "OLLAMA_CONTEXT_LENGTH": "1024"}
    (work / "Modelfile").write_text(f"FROM {gguf}\n", encoding="utf8")
    with served("Ollama", [program, "serve"], f"http://{host}/api/version", work / "ollama.log", environment):
        made = subprocess.run([program, "create", MODEL, "-f", str(work / "Modelfile")], env={**os.environ, **environment},
                              capture_output=True, text=True, timeout=PATIENCE)
        if made.returncode != 0:
            sys.exit(f"ollama create: {made.stderr}")
        return check(args, work, "Ollama", f"http://{host}/v1", 40)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/finetuneflow")
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--document", required=True, help="a document to write about")
    parser.add_argument("--work", required=True, help="folder for what is made")
    parser.add_argument("--ollama", help="Ollama's program; found beside Python or in the path")
    args = parser.parse_args()
    work = pathlib.Path(args.work).resolve()
    gguf = work / "model.gguf"
    product.run(args.binary, "export", "--model", args.model, "--format", "gguf", "--quantization", "f16", "--out", gguf)
    product.run(args.binary, "dataset", "chunk", args.document, "--model", args.model, "--size", 96, "--overlap", 0,
                "--out", work / "all.jsonl")
    good = llama_cpp(args, work, gguf)
    beside = pathlib.Path(sys.executable).with_name("ollama")
    program = args.ollama or (str(beside) if beside.exists() else shutil.which("ollama"))
    if program:
        good = ollama(args, work, gguf, program) and good
    else:
        print("SKIPPED Ollama: no `ollama` beside Python or in the path (interop/setup.sh builds it where Go is installed)")
    product.finish("providers", good)


if __name__ == "__main__":
    main()
