"""Maximum-entropy electron density from single-crystal structure factors (not built yet)."""
