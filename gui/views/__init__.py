"""What is seen: widgets that are given a model and hold no science."""
