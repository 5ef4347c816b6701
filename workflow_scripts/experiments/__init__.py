"""Experiments on the fitted models of a cohort: lesions, and changes of parameters."""
