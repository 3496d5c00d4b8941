"""What drills and faults do to a running stack, and the protocol of the stack that they do it to."""
