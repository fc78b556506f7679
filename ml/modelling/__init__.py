"""Recipes, pipelines, folds, cross-validation and the guards against leakage."""
