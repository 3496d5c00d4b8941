"""The composition root: starts things, stops things, and owns the `adctr` command."""
