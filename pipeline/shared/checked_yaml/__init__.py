"""YAML that people write, read with all of its mistakes told at once, each with its line, its key and a remedy."""
