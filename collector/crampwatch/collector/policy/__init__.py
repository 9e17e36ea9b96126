"""Decisions of the collector: when to reconnect, what to fetch again, what to publish. Pure."""
