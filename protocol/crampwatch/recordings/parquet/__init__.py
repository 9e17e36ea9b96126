"""Parquet, written by pyarrow if that is installed."""
