"""A Git repository whose versions have a set-up and an `adctr` of a few lines, for tests of what drives them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ADCTR = (
    f"#!{sys.executable}\n"
    """import json, os, pathlib, signal, subprocess, sys, time
data, words = pathlib.Path(sys.argv[2]), sys.argv[3:]
tree = pathlib.Path(__file__).parents[2]
cost, late = float((tree / "cost").read_text()), tree / "late"
if words[:2] == ["bench", "drain"]:
    events = int(words[words.index("--events") + 1])
    run = dict(events=events, cpu_seconds=cost * events / 1e6, wall_seconds=1.0, differences=0)
    print(json.dumps({"runs": [dict(run, contender="flink"), dict(run, contender="loop", cpu_seconds=99.0)] * 2}))
elif words[0] == "up":
    data.mkdir()
    (data / "pid").write_text(str(subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL).pid))
elif words[0] == "status":
    names = ("jobmanager", "taskmanager-live", "taskmanager-store", "kafka", "redis", "postgres", "dashboard")
    print(json.dumps({"services": [dict(name=each, pid=int((data / "pid").read_text())) for each in names]}))
elif words[:2] == ["slo", "check"]:
    seconds = float(words[words.index("--for") + 1].rstrip("s"))
    began = time.time()
    time.sleep(seconds)
    latency = {"redis": {"p99": 0.25}, "postgres": {"p99": None}}
    print(json.dumps(dict(
        began=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(began)), seconds=seconds,
        **({} if late.exists() else {"differences_total": 2}),
        load=dict(rate_achieved=10000.0), latency_seconds=latency,
    )))
    sys.exit(3)
elif words[0] == "down":
    os.kill(int((data / "pid").read_text()), signal.SIGKILL)
else:
    print(f"what is {words}?", file=sys.stderr)
    sys.exit(2)
"""
)
MAKEFILE = "setup:\n\t@mkdir -p .venv/bin\n\t@cp adctr .venv/bin/adctr && chmod +x .venv/bin/adctr\n"


def git(root: Path, *arguments: str) -> str:
    """Git's output, independent of the user's settings."""
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, **files: str) -> str:
    """Writes the files, commits all; the commit."""
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a version")
    return git(root, "rev-parse", "HEAD")


def repository(root: Path) -> Path:
    """With one version, which costs 2 CPU-seconds per million events."""
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch", "main")
    commit(root, Makefile=MAKEFILE, adctr=ADCTR, cost="2.0", **{".gitignore": ".venv/\ndata/\n"})
    return root
