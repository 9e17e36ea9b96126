"""Commands about this machine: its readiness, settings and backups."""
