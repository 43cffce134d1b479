#!/usr/bin/env python3
"""Our cache of models is huggingface_hub's and the other way round, against a server that answers as the hub does.

huggingface_hub finds what we downloaded and transformers loads it; what huggingface_hub downloaded, we use without asking for a
file again, online and offline. Large files come from a second port, where no token may arrive.
"""

import argparse
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import urllib.parse

import product

REPO = "check/base"
COMMIT = "c0ffee00" * 5
TOKEN = "hf_interop"
# Weights are in large file storage, the rest is in git.
LARGE = ".safetensors"


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """The hub on one port, its large files on another."""

    def __init__(self, model):
        self.files = {path.name: path.read_bytes() for path in sorted(pathlib.Path(model).iterdir()) if path.is_file()}
        self.requests = []
        hub = self.serve("hub")
        large = self.serve("files")
        self.address, self.large = (f"http://127.0.0.1:{server.server_port}" for server in (hub, large))

    def serve(self, port):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.requests.append((port, self.command, self.path, self.headers.get("authorization")))
                status, headers, body = (owner.hub if port == "hub" else owner.file)(urllib.parse.urlsplit(self.path).path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def entry(self, name):
        data = self.files[name]
        entry = {"size": len(data), "oid": git_sha1(data)}
        if name.endswith(LARGE):
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return entry

    def hub(self, path):
        if path.startswith(f"/api/models/{REPO}/tree/"):
            listed = [{"type": "file", "path": name, **self.entry(name)} for name in self.files]
            return 200, {"content-type": "application/json"}, json.dumps(listed).encode()
        if path == f"/api/models/{REPO}" or path.startswith(f"/api/models/{REPO}/revision/"):
            siblings = []
            for name in self.files:
                entry = self.entry(name)
                sibling = {"rfilename": name, "size": entry["size"], "blobId": entry["oid"]}
                if "lfs" in entry:
                    sibling["lfs"] = {"sha256": entry["lfs"]["oid"], "size": entry["size"], "pointerSize": 134}
                siblings.append(sibling)
            info = {"_id": "1", "id": REPO, "modelId": REPO, "sha": COMMIT, "private": False, "gated": False, "downloads": 0,
                    "likes": 0, "tags": [], "siblings": siblings}
            return 200, {"content-type": "application/json"}, json.dumps(info).encode()
        prefix, _, name = path.rpartition("/")
        if prefix in (f"/{REPO}/resolve/{COMMIT}", f"/{REPO}/resolve/main") and name in self.files:
            data = self.files[name]
            headers = {"x-repo-commit": COMMIT}
            if name.endswith(LARGE):
                digest = hashlib.sha256(data).hexdigest()
                return 302, {**headers, "x-linked-etag": f'"{digest}"', "x-linked-size": str(len(data)),
                             "location": f"{self.large}/{name}"}, b""
            return 200, {**headers, "etag": f'"{git_sha1(data)}"'}, data
        return 404, {"x-repo-commit": COMMIT, "x-error-code": "EntryNotFound"}, b""

    def file(self, path):
        data = self.files[path.strip("/")]
        return 200, {"etag": f'"{hashlib.sha256(data).hexdigest()}"'}, data

    def take(self):
        """The requests about the repository since the last time."""
        taken, self.requests = self.requests, []
        return [request for request in taken if request[0] == "files" or REPO in request[2]]


def check(name, good):
    print(f"{'ok  ' if good else 'FAIL'} {name}")
    return bool(good)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/finetuneflow")
    parser.add_argument("--model", required=True, help="Hugging Face model folder that the server hands out")
    parser.add_argument("--work", required=True)
    args = parser.parse_args()
    work = pathlib.Path(args.work).resolve()
    binary = str(pathlib.Path(args.binary).resolve())
    hub = Hub(args.model)
    mine, theirs = work / "our-cache", work / "their-cache"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "FTF_"))}

    def ours(*arguments, cache, offline=False):
        environment = {**clean, "HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(cache), "HF_TOKEN": TOKEN,
                       "FTF_DATA_DIR": str(work / "data"), **({"HF_HUB_OFFLINE": "1"} if offline else {})}
        done = subprocess.run([binary, "--json", *arguments], capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            sys.exit(f"{arguments}: {done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    os.environ.update({"HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"})
    import huggingface_hub
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    told = ours("download", REPO, cache=mine)
    requests = hub.take()
    at_home = [token for port, _, _, token in requests if port == "hub"]
    elsewhere = [token for port, _, _, token in requests if port == "files"]
    good = check("the token goes to the hub and not where it sends on to",
                 at_home and set(at_home) == {f"Bearer {TOKEN}"} and elsewhere and set(elsewhere) == {None})
    found = huggingface_hub.snapshot_download(REPO, cache_dir=mine, local_files_only=True)
    good &= check("huggingface_hub finds what we downloaded", found == told["path"] and not hub.take())
    cached = {repo.repo_id: repo for repo in huggingface_hub.scan_cache_dir(mine).repos}
    revision = next(iter(cached[REPO].revisions), None) if REPO in cached else None
    good &= check("it lists the revision with its branch",
                  revision and revision.commit_hash == COMMIT and revision.refs == {"main"})
    wanted = {name for name in hub.files if name.endswith((".json", ".safetensors", ".jinja"))}
    same = all((pathlib.Path(found) / name).read_bytes() == hub.files[name] for name in wanted)
    good &= check("every file is the one that was handed out", same)
    model = AutoModelForCausalLM.from_pretrained(REPO, cache_dir=mine, local_files_only=True, dtype=torch.float32)
    AutoTokenizer.from_pretrained(REPO, cache_dir=mine, local_files_only=True)
    good &= product.compare("transformers from our cache", model, product.logits(binary, found))
    hub.take()

    path = huggingface_hub.snapshot_download(REPO, cache_dir=theirs)
    hub.take()
    told = ours("download", REPO, cache=theirs)
    asked = [path for _, _, path, _ in hub.take() if "/resolve/" in path]
    good &= check("what huggingface_hub downloaded is used as it is",
                  told["path"] == path and told["downloaded_bytes"] == 0 and not asked)
    offline = ours("download", REPO, cache=theirs, offline=True)
    answer = ours("generate", "--model", REPO, "--raw", "--prompt", "The", "--max-tokens", "4", cache=theirs, offline=True)
    good &= check("offline too, and a model answers by its name",
                  offline["path"] == path and len(answer["ids"]) > 0 and not hub.take())
    product.finish("hub", good)


if __name__ == "__main__":
    main()
