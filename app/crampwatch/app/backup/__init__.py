"""Backup and restore: all data of a folder in one archive, with InfluxDB's points where that is the store."""
