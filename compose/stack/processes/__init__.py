"""Processes of the stack: the supervisor, the owner, orphans, identity, and steps that run side by side."""
