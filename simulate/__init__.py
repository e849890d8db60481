"""Predictions in the measurement's own terms: its Q, its resolution, its units (not built yet)."""
