"""The verdict as JUnit XML, which every CI shows: an objective is a test case.

A breach is a failure, inconclusive is an error (the check, not the pipeline, did not do its part; CI goes red on both),
not judged is skipped.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from slo.recording import Recording
from slo.report.figures import found, pairs, utc, wanted
from slo.spec.model import Objective, Specification
from slo.verdict.result import ObjectiveResult, RunVerdict, Verdict

_ELEMENTS = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error", Verdict.NOT_JUDGED: "skipped"}
_COUNTED = {Verdict.FAIL: "failures", Verdict.INCONCLUSIVE: "errors", Verdict.NOT_JUDGED: "skipped"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(specification: Specification, recording: Recording, verdict: RunVerdict) -> str:
    """One test suite with one test case per objective."""
    suite = ET.Element("testsuite", name=f"{specification.service} objectives", tests=str(len(verdict.objectives)))
    for which, attribute in _COUNTED.items():
        suite.set(attribute, str(sum(each.verdict is which for each in verdict.objectives)))
    suite.set("time", f"{recording.seconds:.3f}")
    suite.set("timestamp", utc(recording.began).replace(" UTC", "").replace(" ", "T"))
    for objective, result in pairs(specification, verdict):
        suite.append(_case(objective, result))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(objective: Objective, result: ObjectiveResult) -> ET.Element:
    case = ET.Element("testcase", name=result.name, classname=f"slo.{objective.kind.value}", time="0")
    figures = " ".join(found(result))
    if result.verdict in _ELEMENTS:
        problem = ET.SubElement(case, _ELEMENTS[result.verdict], message=_clean(result.reason))
        problem.text = _clean(f"wanted {wanted(objective, result)}, found {figures}\n{objective.when_broken}")
    output = ET.SubElement(case, "system-out")
    output.text = _clean(f"{objective.display_name}: {figures}, wanted {wanted(objective, result)}, {result.samples:,}")
    return case


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
