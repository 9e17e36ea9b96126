"""A night's data as the page draws it: signals, zoom levels, labels. Pure."""
