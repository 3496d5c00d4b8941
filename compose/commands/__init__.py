"""One module per command group of `adctr`; `compose.cli` registers them."""
