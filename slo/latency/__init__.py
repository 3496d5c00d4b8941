"""Event → visible count, measured for every event of a run without touching the pipeline."""
