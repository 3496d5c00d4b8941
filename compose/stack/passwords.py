"""The passwords of one stack: random, made once, kept in a file that only the user can read."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field, fields

from compose.errors import EnvironmentFailed
from compose.stack.layout import Layout, write_private


@dataclass(frozen=True)
class Passwords:
    """Hexadecimal, so that no configuration format has to quote them; never in `repr`."""

    redis: str = field(repr=False)
    postgres_owner: str = field(repr=False)
    postgres_writer: str = field(repr=False)
    postgres_reader: str = field(repr=False)
    registry_storage: str = field(repr=False)

    @classmethod
    def load(cls, layout: Layout) -> Passwords:
        """Raises EnvironmentFailed if the file is missing or damaged."""
        try:
            values = json.loads(layout.passwords.read_text(encoding="utf-8"))
            return cls(**{spec.name: str(values[spec.name]) for spec in fields(cls)})
        except (OSError, ValueError, KeyError) as error:
            raise EnvironmentFailed(f"{layout.passwords}: cannot read the stack's passwords: {error}") from error

    @classmethod
    def load_or_create(cls, layout: Layout) -> Passwords:
        """The stack's passwords; made up at its first start."""
        if layout.passwords.exists():
            return cls.load(layout)
        made = cls(**{spec.name: secrets.token_hex(16) for spec in fields(cls)})
        write_private(layout.passwords, json.dumps(asdict(made), indent=2) + "\n")
        return made
