"""What a modeller calls from Python: connectomes, scans, sweeps, fits, and the figures of both."""
