"""Grafana dashboards as code; `python -m grafana.regenerate` writes the files that Grafana loads."""
