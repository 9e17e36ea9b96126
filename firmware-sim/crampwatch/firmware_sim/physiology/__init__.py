"""A model of surface EMG: motor units, their potentials on the skin, electrodes, and what disturbs them.

The chain, from the spinal cord to the converter:

1. an `event` (a cramp, a voluntary hold, a cable tug) is drawn and generates an `activity`: discharges of motor units,
   disturbances of the electrode voltage, faults, and the spans that count as events in the ground truth;
2. `discharge` turns firing rates into discharge times of single motor units;
3. `muscle` adds up the potential of each discharge at each electrode pair; the potentials come from a volume conductor
   model (`potential`) and change with the temperature of the `skin`;
4. `background` and `disturbance` add noise, mains hum, the heart, and motion;
5. the `front_end` filters and clips.

A `wearer` holds everything that stays the same during a night. All functions are pure functions of a seed and a time:
random numbers come from generators and noise sequences that are identified by integer keys (`randomness`), so that any
stretch of a night can be computed on its own and is the same each time.
"""
