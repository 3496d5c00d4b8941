"""From samples to a verdict. Pure: a specification and a recording in, words out.

What is missing, too little or void never passes. Doubts about a probe take the force from a pass; nothing takes it from
a breach that was measured.
"""

from slo.verdict.result import ObjectiveResult, RunVerdict, Scope, Verdict
from slo.verdict.run import judge, judge_objective, judge_run

__all__ = [
    "ObjectiveResult",
    "RunVerdict",
    "Scope",
    "Verdict",
    "judge",
    "judge_objective",
    "judge_run",
]
