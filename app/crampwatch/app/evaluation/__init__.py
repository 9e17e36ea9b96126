"""What `crampwatch evaluate` measures: nights with a known truth through the detector, scored, plotted, told."""
