"""The integration tests once more, against containers: the files of tests/integration themselves (see conftest.py)."""
