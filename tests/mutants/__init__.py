"""Wrong rules on purpose: does any of them get past the tests of the features? `python -m tests.mutants --help`."""
