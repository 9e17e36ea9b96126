"""From samples to events: streaming, over a finished recording, and with a state that can be stored. Pure."""
