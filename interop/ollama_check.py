#!/usr/bin/env python3
"""A real Ollama makes a model of our folder and of what we push, asks it as it was trained, and answers as we do.

- `export --format ollama`, `ollama create -f Modelfile`, then what Ollama renders against the model's own template, and the
  answers at temperature 0 against `generate` on the same weights (the merged model in f16).
- `ollama push`, which does the same over Ollama's API, gives the same template and verdict.
- Templates of other families in place of the model's own: what Ollama renders, and how many tokens the prompt has (a
  beginning-of-text token that is doubled or missing shows there).

Ollama keeps keys and values in f16 and multiplies in f16, we do not: an answer may part at a decision that is closer than
this rounding moves it. How far it moves there is measured with llama.cpp on the same weights, in f16 and in f32.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import numpy

import product
from providers_check import free_port, served

COUNT = 48
PATIENCE = 600
QUESTIONS = ["Who keeps the keys of the archive?", "When does the workshop open?", "How many boats are there?", "Hello!",
             "Tell me a story about a small dog.", "Où sont les lampes ?", "Write {{ .System }} and \"quotes\".", "1 + 1"]
SYSTEM = "Answer in one\nshort sentence."
BOS = "<|endoftext|>"
CHATML_END = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
# name: (template, the tokenizer adds BOS)
FAMILIES = {
    "qwen2.5": ("{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a \"helpful\" assistant.<|im_end|>\n{% endif %}"
                "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" + CHATML_END, False),
    "llama3": ("{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
               "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}", True),
    "gemma": ("{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% for m in messages %}"
              "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}"
              "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}", True),
    "gemma3": ("{{ bos_token }}{% set ns = namespace(first='') %}{% for m in messages %}{% if m.role == 'system' %}"
               "{% set ns.first = m.content + '\n\n' %}{% else %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
               "{{ ns.first }}{% set ns.first = '' %}{{ m.content }}<end_of_turn>\n{% endif %}{% endfor %}"
               "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}", True),
    "phi3": ("{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
             "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}", False),
    "mistral": ("{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
                "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}{% else %}{{ raise_exception('no') }}{% endif %}{% endfor %}", True),
    "mistral-last": ("{{ bos_token }}{% set s = messages[0].content if messages[0].role == 'system' else '' %}{% for m in messages %}"
                     "{% if m.role == 'user' %}[INST] {% if loop.last and s %}{{ s + '\n\n' }}{% endif %}{{ m.content }}[/INST]"
                     "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}", True),
    "zephyr": ("{% for m in messages %}\n{{ '<|' + m.role + '|>\n' + m.content + eos_token }}\n{% if loop.last and add_generation_prompt %}\n"
               "{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}", True),
    "first-differs": ("Chat of \"two\":\n{% for m in messages %}{% if m.role == 'user' %}{% if not loop.first %}\nQ{{ '{' }}: {% endif %}"
                      "{{ m.content }}\n{% elif m.role == 'assistant' %}A: {{ m.content }}\n{% endif %}{% endfor %}"
                      "{% if add_generation_prompt %}A: {% endif %}", False),
    "odd-signs": ("{% for m in messages %}{{ '### \"' + m.role + '\" {{\\\\\t\u00a0' + m.content + '}}\"\"\"\r\n' }}{% endfor %}"
                  "{% if add_generation_prompt %}### \u2581\uff5c \"{% endif %}", False),
}


def conversations(with_system=True):
    found = []
    for turns in (1, 2, 3):
        for system in ([None, SYSTEM] if with_system else [None]):
            messages = [{"role": "system", "content": system}] if system else []
            for turn in range(turns):
                messages.append({"role": "user", "content": QUESTIONS[(2 * turns + turn) % len(QUESTIONS)]})
                messages.append({"role": "assistant", "content": f"Answer {turn}: \"é\".\n- {{{{ x }}}}"})
            found.append(messages[:-1])
    return found


class Ollama:
    def __init__(self, program, host, environment):
        self.program, self.host, self.environment = program, host, environment

    def ask(self, path, **body):
        request = urllib.request.Request(f"http://{self.host}/api/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            return json.load(urllib.request.urlopen(request, timeout=PATIENCE))
        except urllib.error.HTTPError as error:
            sys.exit(f"Ollama: {path}: {error.read().decode(errors='replace')}")

    def create(self, name, folder):
        done = subprocess.run([self.program, "create", name, "-f", "Modelfile"], cwd=folder, env={**os.environ, **self.environment},
                              capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            sys.exit(f"ollama create: {done.stderr}")

    def rendered(self, name, messages):
        return self.ask("chat", model=name, messages=messages, stream=False, truncate=False, _debug_render_only=True)["_debug_info"]["rendered_template"]

    def chat(self, name, messages, count=COUNT):
        options = {"temperature": 0, "num_predict": count, "top_k": 1, "seed": 0, "repeat_penalty": 1}
        return self.ask("chat", model=name, messages=messages, stream=False, options=options)

    def remove(self, name):
        request = urllib.request.Request(f"http://{self.host}/api/delete", json.dumps({"model": name}).encode(), method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE).read()


def said(good, text):
    print(f"{'ok  ' if good else 'FAIL'} {text}")
    return good


def renders(binary, ollama, name, model):
    """What Ollama renders against what the model's own template renders."""
    asked = conversations()
    stdin = "".join(json.dumps({"messages": messages, "add_generation_prompt": True}) + "\n" for messages in asked)
    trained = [row["output"] for row in product.run(binary, "inspect", "template", "--model", model, stdin=stdin)]
    wrong = [(ours, there) for ours, there in zip(trained, (ollama.rendered(name, messages) for messages in asked)) if ours != there]
    for ours, there in wrong[:2]:
        print(f"     trained {ours!r}\n     Ollama  {there!r}")
    return said(not wrong, f"{name}: {len(asked) - len(wrong)} of {len(asked)} conversations rendered as trained")


class Rounding:
    """The same weights in llama.cpp: in f16 with keys and values in f16, as Ollama has them, and all in f32."""

    def __init__(self, half, full):
        from llama_cpp import Llama

        common = {"n_ctx": 1024, "logits_all": True, "n_gpu_layers": 0, "verbose": False}
        self.half = Llama(str(half), type_k=1, type_v=1, **common)
        self.full = Llama(str(full), type_k=0, type_v=0, **common)

    def text(self, ids):
        return self.full.detokenize(ids, special=False).decode(errors="replace")

    def logits(self, llama, ids):
        llama.reset()
        llama.eval(ids)
        return numpy.array(llama.scores[llama.n_tokens - 1])

    def explains(self, prompt, ours, theirs):
        """Whether the answers part at a decision that rounding can turn; and the numbers."""
        place = next(i for i in range(len(ours) + 1) if i == len(ours) or not theirs.startswith(self.text(ours[: i + 1]).rstrip("\ufffd")))
        ids = self.full.tokenize(prompt.encode(), add_bos=False, special=True) + ours[:place]
        exact, rounded = self.logits(self.full, ids), self.logits(self.half, ids)
        best = exact.argsort()[::-1]
        mine = ours[place] if place < len(ours) else self.full.token_eos()
        fits = [token for token in best[:10] if token != mine and theirs.startswith(self.text([*ours[:place], int(token)]).rstrip("\ufffd"))]
        if int(best[0]) != mine or not fits:
            return False, f"token {place + 1}: in f32 llama.cpp takes {best[0]}, we {mine}"
        gap, moved = float(exact[mine] - exact[fits[0]]), 2 * float(numpy.abs(exact - rounded).max())
        return gap <= moved, f"token {place + 1}: {mine} or {fits[0]}, {gap:.1e} apart in f32; rounding moves by up to {moved:.1e}"


def answers(args, ollama, name, merged, rounding):
    good, equal, ties = True, 0, 0
    messages_file = pathlib.Path(args.work) / "question.json"
    for question in QUESTIONS:
        messages = [{"role": "user", "content": question}]
        messages_file.write_text(json.dumps(messages), encoding="utf8")
        ours = product.run(args.binary, "generate", "--model", merged, "--messages", messages_file, "--temperature", 0, "--max-tokens", COUNT)[-1]
        theirs = ollama.chat(name, messages)
        if theirs["prompt_eval_count"] != ours["prompt_tokens"]:
            good = said(False, f"{question!r}: the prompt has {ours['prompt_tokens']} tokens, in Ollama {theirs['prompt_eval_count']}")
            continue
        text = theirs["message"]["content"].rstrip("\ufffd")
        if text == ours["text"].rstrip("\ufffd"):
            equal += 1
            print(f"ok   {question!r}: {len(ours['ids'])} tokens equal")
            continue
        prompt = ollama.rendered(name, messages)
        explained, why = rounding.explains(prompt, ours["ids"], text)
        ties += explained
        good = good and explained
        print(f"{'tie ' if explained else 'FAIL'} {question!r}: {why}")
        if not explained:
            print(f"     we     {ours['text']!r}\n     Ollama {text!r}")
    return good and said(equal >= len(QUESTIONS) // 2, f"{name}: {equal} of {len(QUESTIONS)} answers equal, {ties} ties")


def push(args, ollama, name, model, adapter=None, *extra):
    """What `ollama push` says; it fails where what Ollama renders differs."""
    done = subprocess.run([args.binary, "--json", "ollama", "push", "--model", str(model), *(["--adapter", str(adapter)] if adapter else []),
                           "--name", name, "--address", f"http://{ollama.host}", *extra], capture_output=True, text=True, timeout=PATIENCE)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if not lines:
        sys.exit(f"ollama push {name}: {done.stderr}")
    return lines[-1], done.stderr


def families(args, ollama):
    good = True
    for number, (name, (template, adds_bos)) in enumerate(FAMILIES.items()):
        # llama.cpp takes a model whose folder is named after another family for one of it.
        model = pathlib.Path(args.work) / f"family-{number}"
        shutil.copytree(args.model, model)
        config = json.loads((model / "tokenizer_config.json").read_text(encoding="utf8"))
        config.update(chat_template=template, add_bos_token=adds_bos, bos_token=BOS)
        (model / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf8")
        (model / "chat_template.jinja").unlink(missing_ok=True)
        result, _ = push(args, ollama, name, model)
        prompts = result["prompts"]
        for difference in prompts["differences"]:
            print(f"     {difference}")
        fits = prompts["verdict"] == "equal" and result["has_template"]
        counted = []
        for question in QUESTIONS[:3]:
            messages = [{"role": "user", "content": question}]
            ours = product.run(args.binary, "generate", "--model", model, "--prompt", question, "--max-tokens", 1)[-1]["prompt_tokens"]
            counted.append((ours, ollama.chat(name, messages, 1)["prompt_eval_count"]))
        fits = fits and all(ours == theirs for ours, theirs in counted)
        good = said(fits, f"{name}: {prompts['equal']} of {prompts['compared']} conversations as trained; tokens of prompts "
                          f"{', '.join(f'{ours} and {theirs}' for ours, theirs in counted)}") and good
        ollama.remove(name)
        shutil.rmtree(model)
    return good


def check(args, ollama):
    work = pathlib.Path(args.work)
    folder, merged, full = work / "ollama-folder", work / "ollama-merged-f16", work / "ollama-f32.gguf"
    common = ["export", "--model", args.model, "--adapter", args.adapter, "--quantization", "f16"]
    product.run(args.binary, *common, "--format", "ollama", "--name", "Interop", "--out", folder)
    product.run(args.binary, *common, "--format", "merged", "--out", merged)
    product.run(args.binary, "export", "--model", merged, "--format", "gguf", "--quantization", "f32", "--out", full)
    ollama.create("folder", folder)
    good = renders(args.binary, ollama, "folder", args.model)
    good = answers(args, ollama, "folder", merged, Rounding(folder / "model.gguf", full)) and good
    result, told = push(args, ollama, "pushed", args.model, args.adapter)
    good = said(result["prompts"]["verdict"] == "equal", f"pushed: {result['prompts']['equal']} of {result['prompts']['compared']} "
                f"conversations as trained, {result['answers']['equal']} of {result['answers']['compared']} answers as here {told.strip()}") and good
    shown = {name: ollama.ask("show", model=name) for name in ("folder", "pushed")}
    for field in ("template", "parameters"):
        there = [sorted(shown[name].get(field, "").split("\n")) for name in ("folder", "pushed")]
        good = said(there[0] == there[1] and there[0] != [""], f"{field} of the folder and of the push are the same") and good
    again = subprocess.run([args.binary, "ollama", "push", "--model", args.model, "--name", "pushed", "--address", f"http://{ollama.host}"],
                           capture_output=True, text=True, timeout=PATIENCE)
    good = said(again.returncode != 0 and "already" in again.stderr, "a model that is there stays, unless it is to be replaced") and good
    return families(args, ollama) and good if args.families else good


def main():
    args = product.arguments(__doc__, lambda parser: (
        parser.add_argument("--ollama", help="Ollama's program; found beside Python or in the path"),
        parser.add_argument("--families", action="store_true", help="with the templates of other families too")))
    beside = pathlib.Path(sys.executable).with_name("ollama")
    program = args.ollama or (str(beside) if beside.exists() else shutil.which("ollama"))
    if not program:
        print("SKIPPED Ollama: no `ollama` beside Python or in the path (interop/setup.sh builds it where Go is installed)")
        product.finish("ollama", True)
    work = pathlib.Path(args.work).resolve()
    host = f"127.0.0.1:{free_port()}"
    environment = {"OLLAMA_HOST": host, "OLLAMA_MODELS": str(work / "ollama-models"), "HOME": str(work), "OLLAMA_CONTEXT_LENGTH": "1024"}
    with served("Ollama", [program, "serve"], f"http://{host}/api/version", work / "ollama-check.log", environment):
        good = check(args, Ollama(program, host, environment))
    product.finish("ollama", good)


if __name__ == "__main__":
    main()
