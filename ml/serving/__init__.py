"""A decision in front of a person: scores by client and for new applicants, reasons, records, an API."""
