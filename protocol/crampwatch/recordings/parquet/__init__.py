"""Parquet, by pyarrow where that is installed."""
