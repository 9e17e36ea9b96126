"""A night's data as the page draws it: names, signals, zoom levels, spectra, notes. Pure."""
