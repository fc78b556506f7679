"""Applicants who are in no table: new ones, and those of the snapshot as they would be with another form."""
