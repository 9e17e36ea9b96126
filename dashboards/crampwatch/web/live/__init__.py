"""Live view: turns broker messages into the state that open pages show. Pure."""
