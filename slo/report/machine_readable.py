"""The verdict for programs."""

from __future__ import annotations

import math
from typing import Any

from slo.recording import Recording
from slo.report.figures import utc
from slo.spec.model import Specification
from slo.verdict.result import RunVerdict


def to_json(specification: Specification, recording: Recording, verdict: RunVerdict) -> dict[str, Any]:
    """The keys of the verdict (verdict, objectives), and what was watched. Nothing in it is NaN or infinite."""
    return {
        **verdict.as_json(),
        "service": specification.service,
        "began": utc(recording.began),
        "seconds": recording.seconds,
        "notes": {key: _finite(value) for key, value in recording.notes.items()},
    }


def _finite(value: float | str) -> float | int | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
