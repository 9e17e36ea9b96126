"""Text tables: CSV, TSV and TXT."""
