"""WFDB records (PhysioNet)."""
