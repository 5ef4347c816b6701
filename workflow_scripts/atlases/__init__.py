"""Parcellations: what the labels of their nodes say, and where such labels stand."""
