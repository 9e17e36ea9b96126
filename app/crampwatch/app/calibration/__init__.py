"""`crampwatch calibrate`: guides a wearer through a minute of known movements, and saves what was measured."""
