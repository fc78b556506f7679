"""The marts' SQL outside the warehouse: one applicant's features from raw rows."""
