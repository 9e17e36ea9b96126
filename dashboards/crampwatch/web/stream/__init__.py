"""What runs beside the HTTP server: following the broker, streaming to browsers, publishing notes."""
