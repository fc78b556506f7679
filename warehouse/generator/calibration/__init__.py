"""Statistics of real files that the generator draws from."""
