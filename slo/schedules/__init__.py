"""Random schedules of actions: drawn from a seed, kept as files, judged by what readers were told, made smaller."""
