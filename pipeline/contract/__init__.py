"""What producers, jobs, stores and readers agree on. Imports nothing else of this project."""
