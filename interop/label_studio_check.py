#!/usr/bin/env python3
"""Examples go to a real Label Studio as tasks, are reviewed there through its API, and come back: ids, verdicts, texts,
history, conflicts; with a legacy token and with a personal one, and with our server killed in the middle of a push."""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

LEGACY = "0123456789abcdef0123456789abcdef01234567"
USER = "reviewer@example.org"
START = 600  # seconds that Label Studio may take to make its database
FAILED = []


def check(what, holds, seen=""):
    print(f"{'ok  ' if holds else 'FAIL'} {what}{'' if holds else f': {seen}'}", flush=True)
    if not holds:
        FAILED.append(what)


class Http:
    """Requests with JSON to one server."""

    def __init__(self, base, **headers):
        self.base, self.headers = base, headers

    def ask(self, method, path, body=None, raw=None, content_type="application/json"):
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, method=method, data=data)
        for name, value in {"Content-Type": content_type, **self.headers}.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def must(self, method, path, body=None, **rest):
        status, answer = self.ask(method, path, body, **rest)
        if status >= 300:
            sys.exit(f"{method} {self.base}{path}: {status} {answer}")
        return answer


class LabelStudio:
    """The real server, on SQLite in a folder of its own."""

    def __init__(self, program, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.base = f"http://127.0.0.1:{free.getsockname()[1]}"
        settings = {"LABEL_STUDIO_BASE_DATA_DIR": str(folder), "LATEST_VERSION_CHECK": "false", "COLLECT_ANALYTICS": "false",
                    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true"}
        command = [program, "start", "--no-browser", "--port", self.base.rsplit(":", 1)[1], "--username", USER,
                   "--password", "not-a-secret-0", "--user-token", LEGACY, "--enable-legacy-api-token"]
        self.log = (folder / "server.log").open("w")
        self.process = subprocess.Popen(command, env={**os.environ, **settings}, cwd=folder, stdout=self.log,
                                        stderr=subprocess.STDOUT, start_new_session=True)
        self.api = Http(self.base, Authorization=f"Token {LEGACY}")
        began = time.monotonic()
        while True:
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(self.base + "/health", timeout=5) as answer:
                    if answer.status == 200:
                        break
            if self.process.poll() is not None or time.monotonic() - began > START:
                sys.exit("Label Studio does not start:\n" + (folder / "server.log").read_text()[-4000:])
            time.sleep(0.5)
        print(f"Label Studio {self.api.must('GET', '/api/version/')['release']} answers after {time.monotonic() - began:.0f} s")

    def personal_token(self):
        self.api.must("POST", "/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
        return self.api.must("POST", "/api/token/", {})["token"]

    def tasks(self, project):
        found, page = [], 1
        while True:
            part = self.api.must("GET", f"/api/tasks/?project={project}&page={page}&page_size=500&fields=all")
            found += part["tasks"]
            if len(found) >= part["total"]:
                return found
            page += 1

    def annotate(self, task, verdict, response=None, instruction=None, issues=(), rating=None):
        """What the page sends: everything that is filled in, with what the reviewer changed."""
        texts = {part["from_name"]: part["value"]["text"][0] for part in task["predictions"][0]["result"]}
        texts.update({name: text for name, text in [("response", response), ("instruction", instruction)] if text})
        part = lambda name, kind, value: {"from_name": name, "to_name": "src", "type": kind, "value": {kind: value}}
        result = [{**part(name, "textarea", None), "value": {"text": [text]}} for name, text in texts.items()]
        result.append(part("verdict", "choices", [verdict]))
        result += [part("issues", "choices", list(issues))] if issues else []
        result += [part("quality", "rating", rating)] if rating else []
        return self.api.must("POST", f"/api/tasks/{task['id']}/annotations/", {"result": result, "lead_time": 5})

    def end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


class Studio:
    """Our server."""

    def __init__(self, binary, folder):
        self.binary, self.folder = str(pathlib.Path(binary).resolve()), folder
        # A project needs a model's name; no model is loaded here.
        (folder / "models" / "any").mkdir(parents=True)
        self.start()

    def start(self):
        settings = {name: value for name, value in os.environ.items() if not name.startswith("FTF_")}
        settings["FTF_DATA_DIR"] = str(self.folder)
        command = [self.binary, "serve", "--json", "--port", "0", "--log", "warn"]
        self.process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("our server does not start")
        self.api = Http(json.loads(line)["listening"])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def project(self, name, language="en"):
        body = {"name": name, "model_id": "any", "language": language}
        return "/api/projects/" + self.api.must("POST", "/api/projects", body)["id"]

    def dataset(self, project, rows):
        """Imports rows; what is imported begins undecided."""
        text = "".join(json.dumps(row) + "\n" for row in rows)
        edge = "edge-of-a-part"
        parts = [('name="kind"', "dataset"), ('name="files"; filename="rows.jsonl"', text)]
        body = "".join(f"--{edge}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n" for head, value in parts)
        answer = self.api.must("POST", project + "/files/upload", raw=(body + f"--{edge}--\r\n").encode(),
                               content_type=f"multipart/form-data; boundary={edge}")
        self.api.must("POST", project + "/dataset/import", {"file_id": answer["items"][0]["id"]})
        self.api.must("POST", project + "/dataset/examples/bulk", {"action": "reset", "filter": {}})

    def examples(self, project):
        items = self.api.must("GET", project + "/dataset/examples?per_page=500")["items"]
        return {item["id"]: item for item in items}

    def begin(self, project, what, body):
        return self.api.must("POST", f"{project}/label-studio/{what}", body)["job"]["id"]

    def ended(self, job):
        while True:
            found = self.api.must("GET", f"/api/jobs/{job}")
            if found["status"] not in ("queued", "running"):
                return found
            time.sleep(0.1)

    def done(self, project, what, body=None):
        job = self.ended(self.begin(project, what, body or {}))
        if job["status"] != "completed":
            sys.exit(f"{what}: {job}")
        return job["result"]


def turns(*texts, system=None):
    messages = [{"role": "system", "content": system}] if system else []
    roles = ["user", "assistant"]
    return {"messages": messages + [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]}


ROWS = [
    turns("When does it open?", "At 9:15."),
    turns("What does a card cost?", "12 euros & more <b>"),
    turns("Who pays?", "Nobody \"really\" does."),
    turns("Where is the café?", "Au rez-de-chaussée."),
    turns("How many seats?", "24."),
    turns("Both sides?", "The first words."),
    turns("Deleted here?", "Soon."),
    turns("Hello", "Hi", "And then?", "Nothing.", system="You are terse."),
    turns("With a system message?", "Yes.", system="You are kind."),
]


def round_trip(studio, labels, name, token, language):
    """One project there and back."""
    print(f"== {name} token")
    studio.api.must("PUT", "/api/settings/label-studio", {"address": labels.base + "/", "token": token})
    test = studio.api.must("POST", "/api/settings/label-studio/test", {})
    check("the token is accepted", (test["user"], test["token_kind"]) == (USER, name), test)
    status, settings = studio.api.ask("GET", "/api/settings/label-studio")
    check("the token is not shown", token not in json.dumps(settings), settings)
    project = studio.project(f"Review {name}", language)
    studio.dataset(project, ROWS)
    before = studio.examples(project)
    began = time.monotonic()
    pushed = studio.done(project, "push", {"title": f"Review with a {name} token"})
    remote = pushed["remote_project"]
    check("every example is a task", pushed["examples"] == {"pushed": len(ROWS), "there": 0, "changed_since": 0}, pushed)
    print(f"     pushed in {time.monotonic() - began:.1f} s")
    form = labels.api.must("GET", f"/api/projects/{remote}/")["label_config"]
    check("the form is in the project's language", ("rejeter" in form) == (language == "fr"), form)
    tasks = {task["data"]["ftf_id"]: task for task in labels.tasks(remote)}
    check("ids are there", set(tasks) == set(before), tasks.keys())
    check("answers are filled in", all(
        {part["from_name"]: part["value"]["text"][0] for part in task["predictions"][0]["result"]}["response"]
        == before[id]["messages"][-1]["content"] for id, task in tasks.items()))
    id_of = {item["messages"][-1]["content"]: id for id, item in before.items()}
    ids = [id_of[row["messages"][-1]["content"]] for row in ROWS]
    approve, fix, reject, skip, leave, both, deleted, chat, kind = ids

    labels.annotate(tasks[approve], "approve", rating=5)
    labels.annotate(tasks[fix], "fix", response="12 € & rien d'autre\n<fin>", instruction="What does a lost card cost?",
                    issues=["incomplete"], rating=3)
    labels.annotate(tasks[reject], "reject", issues=["not in source", "wrong"])
    labels.api.must("POST", f"/api/tasks/{tasks[skip]['id']}/annotations/", {"result": [], "was_cancelled": True})
    labels.annotate(tasks[both], "fix", response="Their words.")
    labels.annotate(tasks[deleted], "fix", response="Not lost.")
    labels.annotate(tasks[chat], "fix", response="Nothing more.")
    labels.annotate(tasks[kind], "reject")
    second = labels.annotate(tasks[kind], "fix", response="Yes, gladly.")
    edited = {"messages": turns("Both sides?", "Our words.")["messages"]}
    studio.api.must("PATCH", f"{project}/dataset/examples/{both}", edited)
    studio.api.must("DELETE", f"{project}/dataset/examples/{deleted}")

    began = time.monotonic()
    synced = studio.done(project, "sync")["examples"]
    print(f"     synced in {time.monotonic() - began:.1f} s")
    expected = {"tasks": 9, "reviewed": 7, "left_out": 1, "several": 1, "changed": 5, "agreed": 0, "known": 0, "conflicts": 2}
    check("what was synced is told", synced == expected, synced)
    after = studio.examples(project)
    state = lambda id: (after[id]["status"], [message["content"] for message in after[id]["messages"]])
    for what, id, wanted in [
        ("approved", approve, ("approved", ["When does it open?", "At 9:15."])),
        ("fixed", fix, ("approved", ["What does a lost card cost?", "12 € & rien d'autre\n<fin>"])),
        ("rejected", reject, ("rejected", ["Who pays?", "Nobody \"really\" does."])),
        ("skipped", skip, ("pending", ["Where is the café?", "Au rez-de-chaussée."])),
        ("left alone", leave, ("pending", ["How many seats?", "24."])),
        ("changed on both sides", both, ("pending", ["Both sides?", "Our words."])),
        ("a conversation", chat, ("approved", ["You are terse.", "Hello", "Hi", "And then?", "Nothing more."])),
        ("with a system message, the latest of two", kind, ("approved", ["You are kind.", "With a system message?", "Yes, gladly."])),
    ]:
        check(what, state(id) == wanted, state(id))
    check("findings come along", after[reject]["issues"] == ["review:not_in_source", "review:wrong"], after[reject]["issues"])
    history = studio.api.must("GET", f"{project}/dataset/examples/{fix}/changes")["items"]
    check("the history names the reviewer", history[0]["actor"] == f"label_studio:{USER}", history)
    check("the history has both texts", (history[0]["before"]["messages"][1]["content"], history[0]["after"]["messages"][1]["content"])
          == ("12 euros & more <b>", "12 € & rien d'autre\n<fin>"), history)

    conflicts = {item["example_id"]: item for item in studio.api.must("GET", f"{project}/label-studio/conflicts")["items"]}
    check("two conflicts are shown", {id: item["why"] for id, item in conflicts.items()}
          == {both: "both_changed", deleted: "deleted_here"}, conflicts)
    sides = conflicts[both]
    check("with both sides", (sides["ours"]["messages"][1]["content"], sides["theirs"]["messages"][1]["content"])
          == ("Our words.", "Their words."), sides)
    [dataset] = studio.api.must("GET", f"{project}/label-studio/datasets")
    counts = {key: dataset[key] for key in ("tasks", "approved", "rejected", "undecided", "conflicts")}
    check("the dataset is listed", counts == {"tasks": 9, "approved": 4, "rejected": 1, "undecided": 2, "conflicts": 2}, dataset)

    unchanged = studio.examples(project)
    check("a second push makes nothing", studio.done(project, "push")["examples"]["pushed"] == 0)
    again = studio.done(project, "sync")["examples"]
    check("a second sync changes nothing", (again["changed"], again["agreed"], again["conflicts"], studio.examples(project))
          == (0, 0, 0, unchanged), again)
    check("nothing is there twice", len(labels.tasks(remote)) == len(ROWS))

    for id, side in [(both, "ours"), (deleted, "theirs")]:
        status, answer = studio.api.ask("POST", f"{project}/label-studio/conflicts/{id}", {"take": side})
        check(f"a conflict ends with {side}", status == 204, answer)
    after = studio.examples(project)
    check("ours stayed", state(both) == ("pending", ["Both sides?", "Our words."]), state(both))
    check("what was deleted is back", state(deleted) == ("approved", ["Deleted here?", "Not lost."]), after.get(deleted))
    # A reviewer who thinks again is heard.
    changed = [part for part in second["result"] if part["from_name"] != "verdict"]
    changed.append({"from_name": "verdict", "to_name": "src", "type": "choices", "value": {"choices": ["reject"]}})
    labels.api.must("PATCH", f"/api/annotations/{second['id']}/", {"result": changed})
    again = studio.done(project, "sync", {"remote_project": remote})["examples"]
    after = studio.examples(project)
    check("a changed annotation comes back", (again["changed"], after[kind]["status"]) == (1, "rejected"), again)


def killed_push(studio, labels, count=1500):
    """Our server is killed while it pushes; the next one goes on, and no task is made twice."""
    print("== killed while pushing")
    project = studio.project("Killed")
    studio.dataset(project, [turns(f"What is in box {number}?", f"{number} screws.") for number in range(count)])
    job = studio.begin(project, "push", {"title": "Killed while pushing"})
    remote = None
    while not remote:
        found = labels.api.must("GET", "/api/projects/?title=Killed&page_size=10")["results"]
        remote = next((item["id"] for item in found if item.get("task_number")), None)
    studio.kill()
    had = len(labels.tasks(remote))
    studio.start()
    began = time.monotonic()
    ended = studio.ended(job)
    print(f"     the rest took {time.monotonic() - began:.1f} s")
    tasks = labels.tasks(remote)
    found = labels.api.must("GET", "/api/projects/?title=Killed&page_size=10")["count"]
    check(f"killed after {had} of {count} tasks, the push went on to its end", ended["status"] == "completed" and had < count, ended)
    check("each task is there once", (len(tasks), len({task["data"]["ftf_id"] for task in tasks}), found) == (count, count, 1),
          (len(tasks), found))
    [dataset] = studio.api.must("GET", f"{project}/label-studio/datasets")
    check("all of them are linked", dataset["tasks"] == count, dataset)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--label-studio", required=True, help="its program")
    parser.add_argument("--work", required=True, help="an empty folder")
    args = parser.parse_args()
    work = pathlib.Path(args.work).resolve()
    (work / "label-studio").mkdir()
    began = time.monotonic()
    labels = LabelStudio(str(pathlib.Path(args.label_studio).absolute()), work / "label-studio")
    try:
        studio = Studio(args.binary, work / "studio")
        try:
            round_trip(studio, labels, "legacy", LEGACY, "fr")
            round_trip(studio, labels, "personal", labels.personal_token(), "en")
            killed_push(studio, labels)
            studio.api.must("PUT", "/api/settings/label-studio", {"token": "0" * 40})
            status, answer = studio.api.ask("POST", "/api/settings/label-studio/test", {})
            said = answer["error"]["message"]
            check("a wrong token is told", status == 502 and said.startswith(labels.base) and "copy it again" in said, answer)
        finally:
            studio.kill()
    finally:
        labels.end()
    print(f"label_studio: {'FAILED' if FAILED else 'passed'} in {time.monotonic() - began:.0f} s")
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
