"""What a run costs before it starts, and what is to be computed once more."""
