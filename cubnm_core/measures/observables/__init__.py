"""Observables: what else than FC and FCD is read out of BOLD, of scans and simulations alike."""
