"""Files of structure factors and of densities; one file per format."""
