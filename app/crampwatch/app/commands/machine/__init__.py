"""Commands about this machine: checks, settings, backups, and the secrets of the full stack."""
