"""Makes `compose.yaml` and the files beside it of what the embedded stack is configured with.

They are under version control, so that Compose needs nothing of ours; a golden test makes them again and compares, and
with ADCTR_UPDATE_GOLDEN=1 rewrites them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from compose.docker import names, project_services, servers, watchers
from compose.stack.service import Plan
from pipeline.settings import Settings

HERE = Path(__file__).parent
COMPOSE_FILE = "compose.yaml"
_HEAD = """\
# The stack in containers, generated from what the embedded stack is configured with: change it there
# (compose/docker/compose_file.py). How to use it: docs/operations.md.
"""


def document(plan: Plan) -> dict[str, Any]:
    """The Compose file."""
    containers = {**servers.containers(plan), **project_services.containers(plan), **watchers.containers(plan)}
    volumes = [each.split(":", 1)[0] for found in containers.values() for each in found.volumes]
    return {
        "name": "adctr",
        "services": {name: each.document() for name, each in containers.items()},
        "volumes": {name: {} for name in sorted(set(volumes)) if not name.startswith(".")},
        "configs": {**servers.configs(plan), **watchers.configs()},
    }


def files() -> dict[str, str]:
    """Every generated file by its path beside this module."""
    settings = names.network_settings(Settings())
    plan = names.plan(settings)
    text = yaml.dump(document(plan), Dumper=_Plain, sort_keys=False, width=120)
    found = {COMPOSE_FILE: _HEAD + text, project_services.SETTINGS_FILE: project_services.settings_file(settings)}
    return found | {f"config/{name}": content for name, content in watchers.files().items()}


class _Plain(yaml.SafeDumper):
    """Without references from one place to another, and with texts of several lines as such."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Plain.add_representer(str, _text)
