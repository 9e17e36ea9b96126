"""A simulated sensor: signal from physiology, named scenarios with truth, replay, and a GATT peripheral.

Everything here says that it is simulated; nothing downstream can tell it from a real sensor but by that mark.
"""
