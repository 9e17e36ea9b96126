"""Recorded sessions as the command line finds, lists and exports them."""
