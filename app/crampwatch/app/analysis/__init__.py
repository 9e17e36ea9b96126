"""Whole recordings through the detector: detect, final analysis, export and import into a store."""
