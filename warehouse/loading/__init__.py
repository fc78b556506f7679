"""Raw files into typed tables, by the contract of the release."""
