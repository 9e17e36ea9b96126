"""Session files that the collector wrote, read as recordings."""
