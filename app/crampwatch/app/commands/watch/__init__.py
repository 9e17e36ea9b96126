"""Commands for the night: everything at once."""
