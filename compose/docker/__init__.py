"""The stack in containers: an image of what is ours, and the Compose file, made of the embedded stack's definitions."""
