"""The command line in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def adctr(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `adctr` and takes what it prints."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(data_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


def adctr_json(data_dir: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Runs `adctr … --format json`, which must end with ``code``; its report."""
    ended = adctr(data_dir, *arguments, "--format", "json")
    assert ended.returncode == code, f"exit {ended.returncode}: {ended.stderr}{ended.stdout[-2000:]}"
    report: dict[str, Any] = json.loads(ended.stdout)
    return report
