"""Decisions of the collector: when to reconnect, which samples to fetch again, what to publish. Pure."""
