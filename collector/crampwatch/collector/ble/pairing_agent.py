"""The agent that BlueZ needs for pairing: bleak has none, and without one pairing fails with AuthenticationFailed.

It accepts pairing without a passkey (Just Works), which is all that a sensor without display and keys can do. It
answers only for connections of this program: it does not register as the default agent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from crampwatch.protocol.errors import UnavailableError

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

__all__ = ["pairing_agent"]

_BLUEZ: Final = "org.bluez"
_MANAGER: Final = "org.bluez.AgentManager1"
_AGENT: Final = "org.bluez.Agent1"
_PATH: Final = "/org/crampwatch/agent"
_ACCEPTED: Final = {"RequestAuthorization", "RequestConfirmation", "AuthorizeService", "Release", "Cancel"}


@asynccontextmanager
async def pairing_agent() -> AsyncIterator[None]:
    """Answer BlueZ's pairing requests while the block runs.

    Raises:
        UnavailableError: There is no system D-Bus, or no BlueZ on it.
    """
    from dbus_fast import BusType, DBusError  # noqa: PLC0415 - dbus-fast is installed on Linux only
    from dbus_fast.aio import MessageBus  # noqa: PLC0415 - the same

    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (OSError, EOFError, DBusError) as error:
        raise UnavailableError(
            f"Bluetooth cannot be used: the system's D-Bus does not answer ({error}).",
            advice="Install and start bluez (bluetoothd), or name a controller with --adapter bumble:usb:0. "
            "Without any, try: crampwatch demo.",
        ) from error
    try:
        bus.add_message_handler(_answer_request)
        await _call_manager(bus, "RegisterAgent", "os", [_PATH, "NoInputNoOutput"])
        yield
    finally:
        bus.disconnect()


async def _call_manager(bus: "MessageBus", member: str, signature: str, body: list[str]) -> None:
    from dbus_fast import Message, MessageType  # noqa: PLC0415 - dbus-fast is installed on Linux only

    reply = await bus.call(
        Message(
            destination=_BLUEZ, path="/org/bluez", interface=_MANAGER, member=member, signature=signature, body=body
        )
    )
    if reply is not None and reply.message_type is MessageType.ERROR:
        raise UnavailableError(
            f"Bluetooth cannot be used: bluetoothd does not answer ({reply.error_name}).",
            advice="Install and start bluez (bluetoothd), or name a controller with --adapter bumble:usb:0. "
            "Without any, try: crampwatch demo.",
        )


def _answer_request(message: "Message") -> "Message | None":
    from dbus_fast import Message  # noqa: PLC0415 - dbus-fast is installed on Linux only

    if message.interface != _AGENT or message.path != _PATH:
        return None
    if message.member in _ACCEPTED:
        return Message.new_method_return(message)
    return Message.new_error(message, "org.bluez.Error.Rejected", "this program has no keys and no display")
