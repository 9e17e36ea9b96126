"""Dashboards of Grafana as code: `python -m grafana.regenerate` writes them anew."""
