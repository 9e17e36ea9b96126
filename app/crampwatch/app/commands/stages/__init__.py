"""Commands that run one stage alone, for systemd or Docker Compose."""
