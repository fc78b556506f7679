"""Properties of the dbt models, written from the contract and from the SQL of the features."""
