"""Golden files: what a function gave when somebody last looked. ADCTR_UPDATE_GOLDEN=1 rewrites them; read the diff."""

from __future__ import annotations

import os
from pathlib import Path


def assert_golden(path: Path, text: str) -> None:
    """The text is that of the file."""
    if os.environ.get("ADCTR_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path} is missing: ADCTR_UPDATE_GOLDEN=1 writes it"
    assert text == path.read_text(encoding="utf-8"), f"{path.name} differs: if rightly, ADCTR_UPDATE_GOLDEN=1"
