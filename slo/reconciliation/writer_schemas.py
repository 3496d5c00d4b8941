"""Which registered schema ids stand for our own schema: only their records can be read column by column."""

from __future__ import annotations

import json
from collections.abc import Callable

from fastavro.schema import to_parsing_canonical_form

from pipeline.contract.codec import SCHEMA_TEXT, RegistryUnavailable


def plain_schema_test(fetch_schema: Callable[[int], str]) -> Callable[[int], bool]:
    """A test of schema ids: whether the schema is ours, by Avro's parsing canonical form.

    The test raises RegistryUnavailable when the registry can't be asked.
    """
    ours = to_parsing_canonical_form(json.loads(SCHEMA_TEXT))

    def is_plain(schema_id: int) -> bool:
        try:
            return bool(to_parsing_canonical_form(json.loads(fetch_schema(schema_id))) == ours)
        except RegistryUnavailable:
            raise
        except Exception:  # unknown, or whatever fastavro makes of what is no schema: the decoder will say
            return False

    return is_plain
