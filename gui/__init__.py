"""The Qt viewer, the only package that may import Qt."""
