"""What answers now: one model, one snapshot, the clients in it, and how the next ones take over."""
