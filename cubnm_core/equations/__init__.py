"""Models as equations: read, checked, lowered to a program."""
