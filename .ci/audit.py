"""Known vulnerabilities in the locked packages, by pip-audit's reading of the index's advisories: `make audit`.

Exit 0: none in any release that could be audited; the others are listed. 1: a release has a known vulnerability.
3: fewer than half of the releases could be audited, or the index did not report what is known of `KNOWN_BAD`.
4: the index can't be reached.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests
from packaging.requirements import Requirement
from packaging.version import Version
from pip_audit._service import PyPIService, ResolvedDependency, ServiceError, VulnerabilityResult
from urllib3.util import Retry

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements-build.lock", "requirements.lock", "requirements-peers.lock", "requirements-warehouse.lock")

KNOWN_BAD = ResolvedDependency("pycrypto", Version("2.6.1"))
"""Its last release, with vulnerabilities since 2017. An audit that does not find them would find no others."""

ACCEPTED: Mapping[str, str] = {}
"""Vulnerabilities that are known and do no harm here: id, and why. An id that is found no more is to be removed."""


class Advisories(PyPIService):
    """What the index knows of a release. Some mirrors know no release by number, but each project's newest."""

    def __init__(self) -> None:
        super().__init__(timeout=60)
        self.session.hooks["response"].append(self._newest_instead)
        for adapter in self.session.adapters.values():
            adapter.max_retries = Retry(3, backoff_factor=1, status_forcelist=(429, 502, 503, 504))

    def _newest_instead(self, response: requests.Response, **_settings: object) -> requests.Response:
        url = urlsplit(response.url)
        match url.path.split("/"):
            case ["", "pypi", name, version, "json"] if response.status_code == HTTPStatus.NOT_FOUND:
                newest: requests.Response = self.session.get(
                    url._replace(path=f"/pypi/{name}/json").geturl(), timeout=self.timeout
                )
                if newest.ok and newest.json()["info"]["version"] == version:
                    return newest
        return response


def locked(lock: str) -> set[ResolvedDependency]:
    """Every release in a lock file's text, whatever its markers say."""
    lines = [line.removesuffix("\\") for line in lock.splitlines() if line[:1].isalnum()]
    found = set()
    for requirement in map(Requirement, lines):
        (pin,) = requirement.specifier
        found.add(ResolvedDependency(requirement.name, Version(pin.version)))
    return found


def report(
    vulnerable: Sequence[tuple[ResolvedDependency, VulnerabilityResult]], audited: int, unknown: Sequence[str]
) -> int:
    """Prints what was found. Returns the exit code."""
    open_ = [(package, found) for package, found in vulnerable if not found.has_any_id(set(ACCEPTED))]
    for package, found in open_:
        fixed = ", ".join(map(str, found.fix_versions)) or "no release"
        print(f"{package.name} {package.version}: {found.id}, fixed in {fixed}: {found.description[:200]}")
    for name in ACCEPTED:
        if not any(found.has_any_id({name}) for _, found in vulnerable):
            print(f"{name} is accepted and was not found: remove it from ACCEPTED")
    print(f"{audited} of {audited + len(unknown)} locked releases audited, {len(open_)} known vulnerabilities")
    if unknown:
        print(f"not audited, as the index has no advisories for these releases: {', '.join(unknown)}")
    if open_:
        return 1
    return 3 if audited < len(unknown) else 0


def main() -> int:
    """Audits all lock files. Returns the exit code."""
    packages = sorted(set().union(*(locked((ROOT / lock).read_text()) for lock in LOCKS)), key=lambda each: each.name)
    advisories = Advisories()
    vulnerable, audited, unknown = [], 0, []
    try:
        if not advisories.query(KNOWN_BAD)[1]:
            print(f"the index reports no vulnerability of {KNOWN_BAD.name} {KNOWN_BAD.version}: it can't be relied on")
            return 3
        for package in packages:
            answer, found = advisories.query(package)
            if answer.is_skipped():
                unknown.append(f"{package.name} {package.version}")
                continue
            audited += 1
            vulnerable += [(package, each) for each in found]
    except (ServiceError, requests.RequestException) as error:
        print(f"the index's advisories can't be read: {error!r}", file=sys.stderr)
        return 4
    return report(vulnerable, audited, unknown)


if __name__ == "__main__":
    sys.exit(main())
