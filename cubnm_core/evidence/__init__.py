"""How good fitted models are, and whether they say anything of a person."""
