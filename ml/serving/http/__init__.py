"""The API around the decisions: routes, what they take and give, keys, problems, metrics, logs."""
