"""Whose marker of completeness is believed."""

from __future__ import annotations

from pipeline.cache.cache_rebuild import begin, finish, is_complete
from pipeline.cache.cache_writer import writer_client
from pipeline.contract.cache_schema import complete_key
from pipeline.settings import Settings


def test_a_marker_of_another_boot_is_none(settings: Settings) -> None:
    """Redis may have lost the newest half minute with the machine's power."""
    with writer_client(settings) as client:
        client.set(complete_key(), "3c1d6f0e-another-boot")
        assert not is_complete(client)
        assert finish(client, begin(client))
        assert is_complete(client)
