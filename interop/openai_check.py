#!/usr/bin/env python3
"""OpenAI's own Python client against our server: models, answers whole and in pieces, settings, errors, leaving, many at once."""

import argparse
import concurrent.futures
import json
import pathlib
import shutil
import time
import urllib.request

import openai

import product
from providers_check import free_port, served

PATIENCE = 600
QUESTION = [{"role": "user", "content": "Where are the spare lamps stored?"}]
good = True


def check(name, fits, found=""):
    global good
    good = good and bool(fits)
    print(f"{'ok  ' if fits else 'FAIL'} {name}{'' if fits else f': {found}'}")


def refused(name, kind, status, code, call):
    """The call must fail with this exception of the client, and our code must be in it."""
    try:
        check(name, False, f"answered: {call()}")
    except openai.APIStatusError as error:
        check(name, type(error) is kind and error.status_code == status and error.code == code, repr(error))


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=PATIENCE))


def trained(server, model):
    """A training through the quick routes; the name of what it made."""
    boundary = "----rows"
    rows = (product.HERE / "rows.jsonl").read_bytes()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="lamps.jsonl"\r\n\r\n'.encode()
    form = head + rows + f"\r\n--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(f"{server}/api/upload-dataset", form, headers)
    dataset = json.load(urllib.request.urlopen(request, timeout=PATIENCE))["dataset"]
    settings = {"dataset": dataset, "model": model, "learning_rate": 0.01, "epochs": 4, "batch_size": 2}
    job = post(f"{server}/api/start-finetuning", settings)["job_id"]
    # The stream ends when the job does.
    urllib.request.urlopen(f"{server}/api/jobs/{job}/events", timeout=PATIENCE).read()
    status = json.load(urllib.request.urlopen(f"{server}/api/training-status/{job}", timeout=PATIENCE))
    check("a training ends well", status["status"] == "completed", status)
    names = json.load(urllib.request.urlopen(f"{server}/v1/models", timeout=PATIENCE))["data"]
    return names[-1]["id"]


def answer(client, model, **options):
    options = {"messages": QUESTION, "temperature": 0, "max_tokens": 24, **options}
    return client.chat.completions.create(model=model, **options)


def text(completion):
    return completion.choices[0].message.content


def models(client, base, tuned):
    listed = {model.id for model in client.models.list()}
    check("both models are listed", {base, tuned} <= listed, listed)
    found = client.models.retrieve(tuned)
    check("one is retrieved", (found.id, found.object) == (tuned, "model") and found.created > 1_600_000_000, found)
    refused("an unknown model", openai.NotFoundError, 404, "model_not_found", lambda: client.models.retrieve("nothing"))


def answers(client, base, tuned):
    whole = answer(client, base)
    usage = whole.usage
    check("an answer", whole.object == "chat.completion" and whole.model == base and isinstance(text(whole), str), whole)
    check("its usage", usage.prompt_tokens > 0 and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage)
    check("another model answers otherwise", text(answer(client, tuned)) != text(whole), text(whole))
    chunks = list(answer(client, base, stream=True, stream_options={"include_usage": True}))
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    check("in pieces it is the same", joined == text(whole), (joined, text(whole)))
    check("the last piece has the usage", chunks[-1].usage == usage and not chunks[-1].choices, chunks[-1])
    check("one piece says why it ended", [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == [whole.choices[0].finish_reason], chunks)
    with client.chat.completions.stream(model=base, messages=QUESTION, temperature=0, max_tokens=24) as stream:
        check("the client's own stream helper", stream.get_final_completion().choices[0].message.content == text(whole))
    for name in ("max_tokens", "max_completion_tokens"):
        short = client.chat.completions.create(model=base, messages=QUESTION, temperature=0, **{name: 2})
        check(name, short.usage.completion_tokens <= 2 and (short.choices[0].finish_reason == "length" or text(short) == text(whole)), short)
    end = text(whole)[3:6]
    for stop in (end, ["\x01", end]):
        stopped = answer(client, base, stop=stop)
        check(f"stop {type(stop).__name__}", text(stopped) == text(whole)[: text(whole).find(end)] and stopped.choices[0].finish_reason == "stop", stopped)
    warm = [text(answer(client, base, temperature=1.5, top_p=0.95, seed=seed)) for seed in (7, 7, 8)]
    check("the seed decides", warm[0] == warm[1] != warm[2], warm)
    narrow = answer(client, base, temperature=1.5, seed=7, extra_body={"top_k": 1})
    check("settings beyond OpenAI's", text(narrow) == text(whole), narrow)
    parts = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    check("parts and instructions", answer(client, base, messages=parts).choices[0].message.role == "assistant")
    return text(whole)


def errors(client, base):
    refused("an unknown model is asked", openai.NotFoundError, 404, "model_not_found", lambda: answer(client, "nothing"))
    for name, options in {
        "too hot": {"temperature": 9},
        "several answers": {"n": 2},
        "tools": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        "a format": {"response_format": {"type": "json_object"}},
        "a picture": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
    }.items():
        refused(name, openai.BadRequestError, 400, "invalid_request", lambda options=options: answer(client, base, **options))
    long = [{"role": "user", "content": "word " * 20000}]
    for stream in (False, True):
        refused(f"too long, stream={stream}", openai.BadRequestError, 400, "context_length_exceeded", lambda stream=stream: answer(client, base, messages=long, stream=stream))


def leaving(client, base):
    """Answers that go on to the model's context, left after their first piece, must not hold up the next question."""
    # A penalty below 1 makes the model say the same word for ever.
    endless = {"max_tokens": 100_000, "extra_body": {"repeat_penalty": 0.1}}
    began = time.monotonic()
    whole = answer(client, base, **endless)
    seconds = time.monotonic() - began
    check("an answer ends with the context", whole.choices[0].finish_reason == "length" and whole.usage.total_tokens >= 256, whole.usage)
    began = time.monotonic()
    for _ in range(6):
        stream = answer(client, base, stream=True, **endless)
        next(iter(stream))
        stream.close()
    answer(client, base, max_tokens=2)
    took = time.monotonic() - began
    # Two are answered at a time: six whole ones take three times as long as one at least.
    check("who leaves a stream frees the queue", took < 2 * seconds, f"{took:.2f} s, one whole answer {seconds:.2f} s")
    began = time.monotonic()
    for _ in range(6):
        try:
            answer(client.with_options(timeout=seconds / 20), base, **endless)
            check("an answer can be left", False, "it was there already")
        except openai.APITimeoutError:
            pass
    answer(client, base, max_tokens=2)
    took = time.monotonic() - began
    check("who does not wait for the whole frees it too", took < 2 * seconds, f"{took:.2f} s, one whole answer {seconds:.2f} s")


def many(client, base, tuned, expected):
    names = [base, tuned] * 4
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: text(answer(client, name)), names))
    check("eight at once are all answered", len(found) == 8 and found[::2] == [expected] * 4 and len(set(found[1::2])) == 1, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/finetuneflow")
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--work", required=True, help="folder for the server's data")
    args = parser.parse_args()
    work = pathlib.Path(args.work)
    data = work / "data"
    shutil.copytree(args.model, data / "models" / "checked")
    server = f"http://127.0.0.1:{free_port()}"
    environment = {"FTF_DATA_DIR": str(data), "FTF_PORT": server.rsplit(":", 1)[1], "FTF_RATE_LIMIT_PER_SECOND": "0"}
    with served("finetuneflow", [args.binary, "serve"], f"{server}/health", work / "serve.log", environment):
        tuned = trained(server, "checked")
        client = openai.OpenAI(base_url=f"{server}/v1", api_key="unused", max_retries=0, timeout=PATIENCE)
        models(client, "checked", tuned)
        expected = answers(client, "checked", tuned)
        errors(client, "checked")
        leaving(client, "checked")
        many(client, "checked", tuned, expected)
    product.finish("openai", good)


if __name__ == "__main__":
    main()
