"""The public Python interface: `detect` for finished recordings, `Detector` for streams. Everything else is private."""
