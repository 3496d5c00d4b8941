"""Every command that is entered is there, and their list is printed without importing one."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from compose.cli.commands import COMMANDS
from compose.cli.lazy import Place, Places


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_there_and_its_line_in_the_list_is_its_own(name: str) -> None:
    place = COMMANDS[name]
    if isinstance(place, Places):
        for each, inner in place.commands.items():
            assert inner.load(each).get_short_help_str(), each
        return
    assert isinstance(place, Place)
    first_paragraph = place.load(name).help.split("\n\n")[0]
    assert place.help == " ".join(first_paragraph.split())


HEAVY = ("confluent_kafka", "numpy", "redis", "psycopg2", "slo.spec")
"""Flink's, Kafka's and the stores' clients take seconds to load."""


def _modules_of(arguments: list[str], environment: dict[str, str]) -> tuple[str, list[str]]:
    """What `adctr` prints, and the modules that it has loaded."""
    code = (
        "import sys; from compose.cli.main import app\n"
        f"try: app({arguments!r}, prog_name='adctr')\n"
        "except SystemExit: print(*sorted(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return ended.stdout, ended.stderr.split()


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--help"], {}),
        (["--version"], {}),
        ([], {"_ADCTR_COMPLETE": "complete_bash", "COMP_WORDS": "adctr ", "COMP_CWORD": "1"}),
    ],
    ids=["help", "version", "completion"],
)
def test_lists_of_commands_import_none_of_them(arguments: list[str], environment: dict[str, str]) -> None:
    printed, loaded = _modules_of(arguments, environment)
    assert printed
    assert not [each for each in loaded if each in HEAVY]


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert _modules_of(["--version"], {})[0] == f"adctr {project['version']}\n"


def test_the_shell_completes_commands_and_subcommands() -> None:
    def completed(words: str) -> list[str]:
        environment = {"_ADCTR_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return _modules_of([], environment)[0].split()

    assert completed("adctr ") == list(COMMANDS)
    assert completed("adctr s") == ["status", "slo"]
    assert completed("adctr dlq ") == ["list", "show", "export", "replay"]
