"""The commands of predictions, one file each."""
