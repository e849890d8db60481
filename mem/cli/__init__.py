"""The command line of `mem`."""
