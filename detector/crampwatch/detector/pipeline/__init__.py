"""The whole detector: streaming, over a whole recording, and its state as bytes. Pure."""
