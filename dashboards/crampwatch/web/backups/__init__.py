"""Backups from the page."""
