"""The verdict for a terminal, a program, CI and a browser. Each form takes (specification, recording, verdict)."""

from slo.report.html import to_html
from slo.report.junit import to_junit
from slo.report.machine_readable import to_json
from slo.report.markdown import to_markdown
from slo.report.text import to_text
from slo.report.write import UnknownForm, check_form, write_report

__all__ = [
    "UnknownForm",
    "check_form",
    "to_html",
    "to_json",
    "to_junit",
    "to_markdown",
    "to_text",
    "write_report",
]
