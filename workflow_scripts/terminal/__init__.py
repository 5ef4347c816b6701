"""What the command cubnm_core shows: how far a cohort is, what this machine can do, what a lesion changes."""
