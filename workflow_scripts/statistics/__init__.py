"""Stage statistics: groups, covariates and regions."""
