"""The simulated sensor without its radio: pure state machines that turn time and requests into frames and replies."""
