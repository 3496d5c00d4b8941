"""``python -m compose.cli``: the same as ``adctr``."""

from compose.cli.main import main

main()
