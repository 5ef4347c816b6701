"""Stage preparation: connectomes, scans and empirical targets of everybody, on common nodes."""
