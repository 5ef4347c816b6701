"""Statistics of groups: linear and mixed models, permutations, paired tests, spins."""
