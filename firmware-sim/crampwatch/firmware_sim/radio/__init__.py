"""The simulated sensor on the air: GATT peripheral, virtual radio, and the service that runs both."""
