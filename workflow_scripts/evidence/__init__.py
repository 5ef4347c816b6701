"""Stage evidence: baselines, exchanged parameters, nulls, reliability, identifiability, twins."""
