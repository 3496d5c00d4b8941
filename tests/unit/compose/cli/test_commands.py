"""Every command that is entered is there, and their list is printed without importing one."""

from __future__ import annotations

import subprocess
import sys

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


def test_the_list_of_commands_imports_none_of_them() -> None:
    """Flink's, Kafka's and the stores' clients take seconds to load."""
    code = (
        "import sys; from compose.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: print(*sorted(sys.modules), sep='\\n')"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [each for each in loaded if each in ("confluent_kafka", "numpy", "redis", "psycopg2", "slo.spec")]
    assert "chaos" in loaded
