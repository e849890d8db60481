"""Speed measured as ratios in one process against a named peer or limit; nothing gates on it."""
