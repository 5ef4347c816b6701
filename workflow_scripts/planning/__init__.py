"""Stage planning: the cost of a run before it starts, and fits to be repeated."""
