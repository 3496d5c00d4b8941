"""The embedded stack: Kafka, Schema Registry, Redis, PostgreSQL and Flink as supervised local processes."""
