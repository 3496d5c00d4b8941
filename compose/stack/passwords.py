"""The passwords of one stack: random, made once, kept in a file that only the user can read."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field, fields

from compose.process.errors import EnvironmentFailed
from compose.stack.layout import Layout, write_private


@dataclass(frozen=True)
class Passwords:
    """Hexadecimal, so that no configuration format has to quote them; never in `repr`."""

    redis_reader: str = field(repr=False)
    redis_writer: str = field(repr=False)
    redis_admin: str = field(repr=False)
    postgres_superuser: str = field(repr=False)
    """Made with the server; no process of ours has it."""
    postgres_owner: str = field(repr=False)
    postgres_writer: str = field(repr=False)
    postgres_reader: str = field(repr=False)
    postgres_mender: str = field(repr=False)
    postgres_keeper: str = field(repr=False)
    postgres_monitor: str = field(repr=False)
    postgres_warehouse: str = field(repr=False)
    registry_storage: str = field(repr=False)

    @classmethod
    def load(cls, layout: Layout) -> Passwords:
        """Raises EnvironmentFailed if the file is missing or damaged."""
        values = _read(layout)
        missing = [spec.name for spec in fields(cls) if spec.name not in values]
        if missing:
            raise EnvironmentFailed(
                f"{layout.passwords}: no password of {', '.join(missing)}; `adctr down` and `adctr up` add it"
            )
        return cls(**{spec.name: values[spec.name] for spec in fields(cls)})

    @classmethod
    def load_or_create(cls, layout: Layout) -> Passwords:
        """The stack's passwords; made up at its first start, and those of new users after an upgrade."""
        known: dict[str, str] = {}
        if layout.passwords.exists():
            known = _read(layout)
        made = cls(**{spec.name: known.get(spec.name) or secrets.token_hex(16) for spec in fields(cls)})
        if asdict(made) != known:
            write_private(layout.passwords, json.dumps(asdict(made), indent=2) + "\n")
        return made


def _read(layout: Layout) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in json.loads(layout.passwords.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise EnvironmentFailed(f"{layout.passwords}: cannot read the stack's passwords: {error}") from error
