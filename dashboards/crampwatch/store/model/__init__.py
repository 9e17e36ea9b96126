"""What is stored, whatever the engine: points, series, downsampling, night summaries. Pure."""
