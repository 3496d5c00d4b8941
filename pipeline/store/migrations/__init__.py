"""Numbered SQL files, applied in order by `pipeline.store.migrate`; an applied one is never edited."""
