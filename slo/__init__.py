"""Objectives, measurements and the checks that judge them. Only observes; nothing in the pipeline imports it."""
