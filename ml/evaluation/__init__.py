"""Measures of predictions and decisions: cost, threshold, calibration, intervals."""
