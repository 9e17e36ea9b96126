"""A simulated sensor: EMG from a model of physiology, scenarios with ground truth, replay, and a GATT peripheral.

- `physiology`: muscles, electrodes and what disturbs them, as a signal in microvolts;
- `scenarios`: who wears the sensor and what happens when, under names that users type;
- `device`: the sensor itself, as a state machine that samples a signal and speaks CWS v1;
- `radio`: the same on a virtual radio or on a real Bluetooth controller.

Everything here is marked as simulated, and only that mark distinguishes it from a real sensor.
"""
