"""Scores episodes against a known truth. No I/O."""
