"""Running one stage as a program: signals, logs, health and metrics."""
