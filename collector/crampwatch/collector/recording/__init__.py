"""One recording: from notifications to the session file, and from there to the broker."""
