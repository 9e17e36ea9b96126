"""Everything that crosses a boundary: GATT profile, frames, MQTT topics and messages, session records, errors."""
