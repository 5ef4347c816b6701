"""Searches of parameters, many people in one batch."""
