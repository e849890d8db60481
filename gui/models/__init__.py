"""State behind the windows: frozen data, changed by undoable commands."""
