"""The simulated sensor itself: a pure state machine from sample time and requests to frames and replies."""
