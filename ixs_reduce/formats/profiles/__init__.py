"""Profiles that ship with the package, one TOML file for each spectrometer."""
