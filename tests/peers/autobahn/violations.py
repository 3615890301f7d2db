"""Compares what sockeye found wrong in an Autobahn run with what the echo end, npm's ws, found wrong.

    violations.py NAME ROLE REPORT RECORDING

The two judged the same frames independently. They have to agree in every case but those in which bytes follow a
close frame, which ws never looks at.
"""

import json
import re
import sys

BEYOND_THE_CLOSE = {"7.1.2", "7.1.4", "7.1.5"}


def main():
    title, role, report, recording = sys.argv[1:]
    fuzzer, echo = ("client", "server") if role == "server" else ("server", "client")
    names, far = read_report(report)
    cases = read_recording(recording, names)
    wrong = []
    for name in names:
        mine, theirs = cases.get(name), far.get(name)
        if mine is None or theirs is None:
            wrong.append(f"{name}: not in {'the recording' if mine is None else 'the report'}")
            continue
        found = [line for line in mine["violations"] if line["from"] == fuzzer]
        blamed = [line for line in mine["violations"] if line["from"] == echo]
        error = theirs.get("error")
        if bool(found) != bool(error or name in BEYOND_THE_CLOSE):
            wrong.append(f"{name}: ws says {error or 'nothing'}, sockeye {[line['what'] for line in found]}")
        if blamed:
            wrong.append(f"{name}: sockeye blames the echo end: {[line['what'] for line in blamed]}")
        if theirs.get("extensions") and mine["compressed"] == 0 and theirs["messages"] > 0:
            wrong.append(f"{name}: ws agreed on {theirs['extensions']}, sockeye saw nothing compressed")
        if not error and name not in BEYOND_THE_CLOSE and mine["messages"] != theirs["messages"]:
            wrong.append(f"{name}: ws got {theirs['messages']} messages, sockeye saw {mine['messages']}")
    what = f"autobahn: {title}: violations found as by npm ws"
    if wrong:
        print(f"FAILED  {what}: {len(wrong)} cases differ", *wrong[:30], sep="\n          ")
        sys.exit(1)
    faults = sum(bool(case["violations"]) for case in cases.values())
    print(f"ok      {what}: in {faults} of {len(names)} cases, no others; messages as many")


def read_report(report):
    with open(f"{report}/results.jsonl", encoding="utf-8") as lines:
        names = json.loads(next(lines))["cases"]
    far = {}
    with open(f"{report}/far.jsonl", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            far[line["case"] if "case" in line else names[line["index"] - 1]] = line
    return names, far


def read_recording(recording, names):
    """Each case's last session: its violations, and how many messages the fuzzer sent."""
    sessions, cases = {}, {}
    with open(recording, encoding="utf-8") as lines:
        for text in lines:
            line = json.loads(text)
            kind, session = line["type"], line.get("session")
            if kind == "open":
                by_number = re.search(r"runCase\?case=(\d+)", line["url"])
                by_name = re.search(r"/\?case=([\d.]+)", line["url"])
                name = names[int(by_number[1]) - 1] if by_number else by_name and by_name[1]
                fuzzer = "server" if by_number else "client"
                sessions[session] = {"fuzzer": fuzzer, "violations": [], "messages": 0, "compressed": 0}
                cases[name] = sessions[session]
            elif kind == "violation":
                sessions[session]["violations"].append(line)
            elif kind == "message" and line["from"] == sessions[session]["fuzzer"]:
                sessions[session]["messages"] += 1
                sessions[session]["compressed"] += "compressed" in line
    cases.pop(None, None)
    return cases


if __name__ == "__main__":
    main()
