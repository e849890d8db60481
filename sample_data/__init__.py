"""Samples for the demonstration and the tests; what is simulated says so."""
