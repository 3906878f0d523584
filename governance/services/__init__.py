"""The only writers. Each entry service is one durable transaction: lock, look, decide, write, tell."""
