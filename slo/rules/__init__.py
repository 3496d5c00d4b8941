"""The specification as Prometheus sees it: expressions, rules, the file that holds them."""
