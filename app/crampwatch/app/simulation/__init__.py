"""`crampwatch simulate`: a simulated foot as a recording, or as sensors on a radio."""
