"""Flink's jobs: the keeper that submits them, what is asked about them, checkpoints and savepoints."""
