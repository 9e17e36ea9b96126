"""What every request passes: middleware, files, the API's description."""
