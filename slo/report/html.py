"""The verdict as one self-contained file for a browser: no script, no network."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from slo.recording import Recording
from slo.report.figures import budget, figure, interval, pairs, utc, wanted
from slo.report.plots import plots
from slo.spec.model import Specification
from slo.verdict.result import RunVerdict


def to_html(specification: Specification, recording: Recording, verdict: RunVerdict) -> str:
    """The table, the plots of every objective and the notes. Everything from outside is escaped."""
    template = template_of("report.html.j2", figure=figure, interval=interval, wanted=wanted, budget=budget)
    judged = [(each, result, plots(each, result, recording)) for each, result in pairs(specification, verdict)]
    return template.render(
        service=specification.service,
        verdict=verdict.verdict.value,
        began=utc(recording.began),
        ended=utc(recording.ended),
        seconds=f"{recording.seconds:,.0f}",
        judged=judged,
        notes=dict(recording.notes),
    )


def template_of(name: str, **functions: Callable[..., str]) -> Template:
    """One of the templates beside this module, which may use the functions. Everything in it is escaped."""
    environment = Environment(
        loader=FunctionLoader(lambda each: files("slo.report").joinpath(each).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(functions)
    return environment.get_template(name)
