"""Files of trajectories; one file per format."""
