"""Backup and restore: all data of a folder in one archive, including the points of an InfluxDB."""
