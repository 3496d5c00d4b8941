"""The page of benchmarks is what `adctr bench report` makes of the figures beside it."""

from __future__ import annotations

import json
from pathlib import Path

from slo.report.benchmark_page import benchmarks_markdown

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_made_from_the_figures_beside_it() -> None:
    files = sorted((DOCS / "benchmarks").glob("*.json"))
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    assert {"cost", "cache-reads", "peers"} <= {each["benchmark"] for each in documents}
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert page == benchmarks_markdown(documents), "run `make benchmarks-page`"
