"""A sensor as Home Assistant sees it: discovery and state. Pure."""
