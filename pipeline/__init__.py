"""The pipeline: contract, Flink jobs, stores and read APIs."""
