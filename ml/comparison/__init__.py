"""Families of models and treatments of the imbalance on the same folds."""
