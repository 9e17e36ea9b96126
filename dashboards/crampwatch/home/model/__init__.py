"""A sensor as Home Assistant sees it: discovery message and state. Pure."""
