"""What any process of ours needs: errors, exit codes, signals, and the guard that turns errors into exit codes."""
