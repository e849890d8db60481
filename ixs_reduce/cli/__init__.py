"""The commands of `ixs` that reduce and fit: one file each."""
