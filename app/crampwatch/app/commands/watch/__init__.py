"""Commands for the night: everything at once, and what is needed before it."""
