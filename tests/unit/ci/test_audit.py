"""The audit of locked packages: an index that answers as PyPI does, one that knows newest releases alone, and none."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

ADVISORY = {
    "id": "PYSEC-2030-1",
    "aliases": ["CVE-2030-1"],
    "details": "Reads too far.",
    "summary": None,
    "fixed_in": ["1.1"],
    "withdrawn": None,
    "published": "2030-01-01T00:00:00Z",
}

Reports = dict[str, dict[str, Any]]


class Index(BaseAdapter):
    """Answers by path; anything else it does not know."""

    def __init__(self, reports: Reports) -> None:
        super().__init__()
        self.reports = reports

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        found = self.reports.get(request.path_url)
        response = requests.Response()
        response.status_code = 200 if found is not None else 404
        response.url, response.request = str(request.url), request
        response._content = json.dumps(found or {}).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""


def release(version: str, *advisories: dict[str, Any]) -> dict[str, Any]:
    return {"info": {"version": version}, "vulnerabilities": list(advisories)}


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", Path(__file__).parents[3] / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(audit: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, Reports], int]:
    """The audit of a lock file, where the index gives these reports and knows the one that it must."""

    def run(lock: str, reports: Reports) -> int:
        known = {"/pypi/pycrypto/json": release("2.6.1", ADVISORY)}
        monkeypatch.setattr(requests.Session, "get_adapter", lambda *_, **__: Index(known | reports))
        monkeypatch.setattr(audit, "ROOT", tmp_path)
        for name in audit.LOCKS:
            (tmp_path / name).write_text(lock)
        return int(audit.main())

    return run


LOCK = """\
# comment
shaky[extra]==1.0 ; python_version < '3.13' \\
    --hash=sha256:00 \\
    --hash=sha256:01
    # via adctr
sound==2.0 \\
    --hash=sha256:02
"""


def test_no_known_vulnerability(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(LOCK, {"/pypi/shaky/1.0/json": release("1.0"), "/pypi/sound/2.0/json": release("2.0")}) == 0
    assert capsys.readouterr().out == "2 of 2 locked releases audited, 0 known vulnerabilities\n"


def test_a_known_vulnerability_fails_whichever_way_the_index_tells_it(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("/pypi/shaky/1.0/json", "/pypi/shaky/json"):
        assert run(LOCK, {path: release("1.0", ADVISORY), "/pypi/sound/json": release("2.0")}) == 1
        assert "shaky 1.0: PYSEC-2030-1, fixed in 1.1: Reads too far." in capsys.readouterr().out


def test_advisories_of_another_release_say_nothing(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(LOCK, {"/pypi/shaky/json": release("1.1"), "/pypi/sound/json": release("2.0")}) == 0
    out = capsys.readouterr().out
    assert "1 of 2 locked releases audited" in out
    assert "no advisories for these releases: shaky 1.0" in out


def test_too_little_is_inconclusive(run: Callable[..., int]) -> None:
    assert run(LOCK, {}) == 3


def test_an_index_without_advisories_is_not_believed(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The control: none of anything looks like none of ours."""
    reports = {"/pypi/pycrypto/json": release("2.6.1"), "/pypi/shaky/json": release("1.0")}
    assert run(LOCK, reports) == 3
    assert "pycrypto 2.6.1" in capsys.readouterr().out


def test_what_is_accepted_does_not_fail_and_is_reported_once_it_is_gone(
    audit: ModuleType, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    audit.ACCEPTED = {"CVE-2030-1": "nothing here reads that far"}
    sound = {"/pypi/sound/json": release("2.0")}
    assert run(LOCK, {"/pypi/shaky/json": release("1.0", ADVISORY), **sound}) == 0
    assert "remove it" not in capsys.readouterr().out
    assert run(LOCK, {"/pypi/shaky/json": release("1.0"), **sound}) == 0
    assert "CVE-2030-1 is accepted and was not found" in capsys.readouterr().out


def test_an_index_that_is_gone_is_the_environments_failure(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where answers of earlier audits are kept
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert audit.main() == 4
    assert "can't be read" in capsys.readouterr().err
