"""What every package uses and no part of the pipeline decides."""
