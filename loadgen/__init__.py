"""The load generator: seeded ad traffic in open loop, and a ledger of the truth about it."""
