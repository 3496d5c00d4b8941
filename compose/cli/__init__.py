"""The command line: typer, printing, exit codes. A folder per command group."""
