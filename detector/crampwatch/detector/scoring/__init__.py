"""How well episodes match a known truth. Pure."""
