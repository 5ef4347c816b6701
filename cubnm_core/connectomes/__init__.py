"""Connectomes: scaled, averaged, rewired, synthetic."""
