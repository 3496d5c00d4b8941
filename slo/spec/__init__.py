"""Objectives as data: what ``slo/objectives.yaml`` may say, and the objects it becomes."""
