"""The workflow's scripts: one per rule, and what they share. They know files; cubnm_core knows arrays."""
