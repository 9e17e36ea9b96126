"""One module per command, in the folder of its section in `crampwatch --help`.

A command module imports only click and the settings at its top, and everything else within its function. That is for
start-up time: `crampwatch --help` imports every command, and numpy, scipy, bleak and rich together take seconds on a
small machine. Elsewhere in `crampwatch.app` imports are at the top of their modules.
"""
