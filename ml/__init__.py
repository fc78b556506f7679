"""Models fitted on the marts: trained, compared, explained, registered and served."""
