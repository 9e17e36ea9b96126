"""From session records to samples in order and with their times: sensor profiles, frame assembly, sensor clock.

Read in this order: `profiles` turns the bytes of one kind of sensor into frames and events; `assembly` puts the frames
of a stream in their place; `sensor_clock` fits when they were taken; `boot` joins both from one power-up of the sensor
to the next; `history` feeds it with the records of a session; `session` decodes a whole file.

Nothing here does I/O. The collector uses it while it records, the page and the final analysis on the session file, so
all of them agree about every sample.
"""
