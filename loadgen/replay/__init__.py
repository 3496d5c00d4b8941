"""Real logs as load: a file's rows, what they mean, when they are sent."""
