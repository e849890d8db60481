"""Tests of the viewer: they drive its real widgets, offscreen."""
