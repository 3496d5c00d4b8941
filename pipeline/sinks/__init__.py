"""The sinks of both jobs, as Flink SQL."""
