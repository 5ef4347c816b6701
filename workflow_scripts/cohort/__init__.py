"""The user's tables, and what follows from them: units, sessions, batches, folds, seeds."""
