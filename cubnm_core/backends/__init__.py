"""One program, several printers: ``reference`` (NumPy), ``cpu`` (Numba)."""
