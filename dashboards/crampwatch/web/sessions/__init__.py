"""Recordings on the page: list, delete and restore, export, replay."""
