"""What one wearer's own rest and movements look like. Pure."""
