"""Linear response: FC, spectra and expected scores around a stable fixed point, without long simulations."""
