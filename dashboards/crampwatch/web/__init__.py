"""The built-in live page: what the broker says now, in a browser on this machine (or, with a login, in the house)."""
