"""From samples to a verdict. Pure: a specification and a recording in, words out.

What is missing, too little or void never passes. Doubts about a probe take the force from a pass, an excuse takes it
from a breach.
"""

from slo.verdict.result import ObjectiveResult, RunVerdict, Verdict
from slo.verdict.run import judge, judge_objective

__all__ = [
    "ObjectiveResult",
    "RunVerdict",
    "Verdict",
    "judge",
    "judge_objective",
]
