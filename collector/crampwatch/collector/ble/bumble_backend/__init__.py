"""bleak on Bumble: a scanner and a client for adapters that the operating system does not drive.

It is used for the virtual radio (HCI over TCP) and for a dongle opened directly (``usb:0``)::

    async with BumbleAdapter("tcp-client:127.0.0.1:41001", bonds) as adapter:
        device = await BleakScanner.find_device_by_name("CW-0001", **scanner_arguments(adapter))
        async with BleakClient(device, pair=True, **client_arguments(adapter)) as client:
            ...
"""
