"""Routes: they check, ask the service outside the event loop, and give back what it says."""
