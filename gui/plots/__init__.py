"""Drawings on screen (pyqtgraph) and their way to paper (matplotlib)."""
