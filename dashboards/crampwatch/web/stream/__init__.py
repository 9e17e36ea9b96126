"""The live stream: follows the broker, pushes to browsers, publishes the wearer's notes."""
