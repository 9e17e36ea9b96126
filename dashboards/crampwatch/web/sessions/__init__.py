"""Recordings on the page: list, delete, export, replay."""
