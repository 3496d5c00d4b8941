"""Sabotage with a known right answer: does the verdict say what was done to the pipeline?"""
