"""The store in InfluxDB 1.8, 2 or 3."""
