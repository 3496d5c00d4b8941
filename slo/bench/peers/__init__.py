"""The live job's work in another framework, as its own documentation would have it, and the contest between them.

Every peer is a program: ``python -m slo.bench.peers.NAME`` with the settings in the environment reads the events topic
from its beginning, without end, and keeps the cells of both window sizes current in Redis, under the contract's keys.
They leave out the totals by category and all that makes a job recover; that is their advantage.
"""
