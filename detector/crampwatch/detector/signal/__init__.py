"""From samples to activity: filters, measures, signal quality, noise floor. Pure."""
