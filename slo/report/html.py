"""The verdict as one self-contained file for a browser: no script, no network."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from slo.recording import Recording
from slo.report.figures import budget, figure, interval, pairs, utc, wanted
from slo.report.plots import plots
from slo.spec.model import Specification
from slo.verdict.result import RunVerdict


def templates() -> Environment:
    """The templates beside this module; everything that goes into one is escaped."""
    return Environment(
        loader=PackageLoader("slo.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def to_html(specification: Specification, recording: Recording, verdict: RunVerdict) -> str:
    """The table, the plots of every objective and the notes. Everything from outside is escaped."""
    template = templates().get_template("report.html.j2")
    judged = [(each, result, plots(each, result, recording)) for each, result in pairs(specification, verdict)]
    return template.render(
        figure=figure,
        interval=interval,
        wanted=wanted,
        budget=budget,
        service=specification.service,
        verdict=verdict.verdict.value,
        began=utc(recording.began),
        ended=utc(recording.ended),
        seconds=f"{recording.seconds:,.0f}",
        judged=judged,
        notes=dict(recording.notes),
    )
