"""The simulated sensor on the air: GATT peripheral, virtual radio, and the service that runs both.

Bumble provides the Bluetooth stack of the sensors (ATT, GATT, SMP) and of their virtual controllers. What it lacks is a
radio: packets that take time, get lost and are sent again, ranges, signal strengths, supervision timeouts. That is here
(docs/decisions/0006), in layers from pure to running:

- `link_layer`: one connection as a pure model of connection events, loss and retransmission;
- `link`: that model on the event loop, between two controllers;
- `controller`: Bumble's virtual controller, made to wait for acknowledgements;
- `air`: which controllers hear one another, and how well;
- `hci_server`: virtual controllers for hosts in other processes, over TCP;
- `peripheral`: the GATT server of a sensor, on a virtual or a real controller;
- `service`: everything together, from `options`.
"""
