"""What `loadgen/locustfile.py` is made of: users in open loop, a process that produces for them, gates."""
