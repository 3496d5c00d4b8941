"""`adctr chaos`: faults one at a time, and random schedules of them."""
