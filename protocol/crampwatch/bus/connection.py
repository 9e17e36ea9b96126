"""One connection to a broker: a paho client driven by the event loop, from CONNECT to the closed socket.

paho's own thread and reconnection are not used. paho is given the socket's events by the event loop (`loop_read`,
`loop_write`, and `loop_misc` once a second), so all callbacks run on the loop's thread and no lock is needed. A
connection that is lost stays lost; whatever waited for an acknowledgement on it returns False, and
:class:`crampwatch.bus.client.Bus` opens the next one.

Two details matter for not losing messages:

* Received messages are acknowledged by :meth:`Connection.acknowledge` alone (`manual_ack`). A repetition of one that is
  still being worked on is not passed on again.
* :meth:`Connection.set_reading` stops and resumes reading, for backpressure. Whatever sends and awaits a reply turns
  reading on first. With TLS, decrypted bytes may wait in the TLS layer where no selector sees them, so reading always
  continues until that is empty.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final, cast

from crampwatch.bus.address import BrokerAddress
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

__all__ = ["Connection", "LoginRefusedError", "OnPublish", "Will", "check_certificates"]

Will = tuple[str, bytes]
"""Topic and payload."""

OnPublish = Callable[["Connection", MQTTMessage], None]
"""Called for each message received, but not for the repetition of one that is not acknowledged yet."""

_KEEPALIVE_S: Final = 20
"""A dead peer is noticed after at most twice this time; NATS drops a silent client after 1.5 times this."""
_CONNECT_TIMEOUT_S: Final = 5.0
_HOUSEKEEPING_S: Final = 1.0
"""paho checks keepalive in `loop_misc`, which it wants called about once a second."""
_CLOSE_TIMEOUT_S: Final = 0.5
_REFUSED: Final = 0x80
"""Return codes of a subscription from here on are failures (MQTT 3.1.1, 3.9.3)."""


class LoginRefusedError(UnavailableError):
    """The broker answered and refused our login."""


class Connection:
    """A connection; open one with :meth:`open`.

    Attributes:
        closed: Set when the connection has ended, for whatever reason.
        has_resumed: Whether the broker resumed a session, with the subscriptions and messages it had kept for us.
    """

    def __init__(self, client: Client, on_publish: OnPublish) -> None:
        self.closed = asyncio.Event()
        self.has_resumed = False
        self._client = client
        self._on_publish = on_publish
        self._loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[ReasonCode] = self._loop.create_future()
        self._publications: dict[int, asyncio.Future[bool]] = {}
        self._subscriptions: dict[int, asyncio.Future[int]] = {}
        self._unacknowledged: set[int] = set()
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading = False
        self._housekeeping: asyncio.TimerHandle | None = None

    @classmethod
    async def open(
        cls,
        address: BrokerAddress,
        *,
        client_id: str,
        persistent: bool,
        will: Will | None,
        on_publish: OnPublish,
    ) -> "Connection":
        """Connect and log in.

        Args:
            address: The broker.
            client_id: Id of this client; the broker ends an older connection of the same id.
            persistent: Whether the broker keeps subscriptions and unacknowledged messages while we are away.
            will: What the broker publishes, retained, when the connection breaks.
            on_publish: Called on the event loop for each message.

        Raises:
            LoginRefusedError: Wrong user or password, or no permission.
            UnavailableError: Nothing answers, or something that is no MQTT broker.
        """
        connection = cls(_new_client(address, client_id, persistent, will), on_publish)
        try:
            await asyncio.to_thread(connection._client.connect, address.host, address.port, _KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise UnavailableError(
                f"The MQTT broker at {address} cannot be reached: {error}.",
                advice="Check that it is running, and its host and port; --broker names another.",
            ) from error
        await connection._log_in(address)
        return connection

    @property
    def is_alive(self) -> bool:
        """Whether the connection has not ended yet."""
        return not self.closed.is_set()

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        """Publish; return whether it was acknowledged (QoS 1) or sent (QoS 0) before the connection ended."""
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        if qos == 0:
            await self._writable.wait()
            return self.is_alive
        done: asyncio.Future[bool] = self._loop.create_future()
        self._publications[info.mid] = done
        self.set_reading(True)
        try:
            return await done
        finally:
            self._publications.pop(info.mid, None)

    async def subscribe(self, topic_filter: str, qos: int) -> bool:
        """Subscribe; return whether the broker answered before the connection ended.

        Raises:
            UnavailableError: The broker refuses the subscription.
        """
        code, mid = self._client.subscribe(topic_filter, qos)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            return False
        done: asyncio.Future[int] = self._loop.create_future()
        self._subscriptions[mid] = done
        self.set_reading(True)
        try:
            granted = await done
        finally:
            self._subscriptions.pop(mid, None)
        if granted >= _REFUSED:
            raise UnavailableError(
                f"The broker refuses a subscription to {topic_filter}.",
                advice="Check what its access rules allow this user to read.",
            )
        return granted >= 0

    def acknowledge(self, mid: int) -> None:
        """Acknowledge a received message; without effect the second time, or after the connection has ended."""
        if mid in self._unacknowledged:
            self._unacknowledged.discard(mid)
            self._client.ack(mid, 1)

    @property
    def awaits_reply(self) -> bool:
        """Whether something we sent has not been answered yet: then the socket has to be read."""
        return bool(self._publications or self._subscriptions)

    def set_reading(self, is_wanted: bool) -> None:
        """Start or stop reading the socket; a broker whose data is not read slows down."""
        sock = self._client.socket()
        if sock is None or is_wanted == self._reading:
            return
        self._reading = is_wanted
        if is_wanted:
            self._loop.add_reader(sock.fileno(), self._readable)
            self._loop.call_soon(self._readable)  # bytes may wait in the TLS layer, where no selector sees them
        else:
            self._loop.remove_reader(sock.fileno())

    async def close(self) -> None:
        """Disconnect in an orderly way, so that the last will is not published, and close the socket."""
        if self.is_alive:
            self.set_reading(True)
            self._client.disconnect()
            try:
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self.closed.wait()
            except TimeoutError:
                self.abort()

    def abort(self) -> None:
        """Break the connection off, so that the broker publishes the last will."""
        sock = self._client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):  # the broker has closed it already
                cast("socket.socket", sock).shutdown(socket.SHUT_RDWR)
            while self.is_alive:
                self._client.loop_read()  # until it meets the end of the stream

    async def _log_in(self, address: BrokerAddress) -> None:
        self._attach()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                reason = await self._accepted
        except TimeoutError as error:
            self.abort()
            raise UnavailableError(
                f"What listens at {address} does not answer as an MQTT broker.", advice="Check host and port."
            ) from error
        except BaseException:
            self.abort()
            raise
        if reason.is_failure:
            self.abort()
            raise _refusal_error(address, reason)

    def _attach(self) -> None:
        client = self._client
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        client.on_socket_close = self._socket_closing
        client.on_socket_register_write = self._want_write
        client.on_socket_unregister_write = self._written
        self.set_reading(True)
        if client.want_write():
            client.loop_write()
        self._do_housekeeping()

    def _do_housekeeping(self) -> None:
        self._client.loop_misc()
        if self.is_alive:
            self._housekeeping = self._loop.call_later(_HOUSEKEEPING_S, self._do_housekeeping)

    def _readable(self) -> None:
        code = self._client.loop_read()
        sock = self._client.socket()
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and isinstance(sock, ssl.SSLSocket) and sock.pending():
            code = self._client.loop_read()
            sock = self._client.socket()

    # Callbacks of paho, all on the event loop's thread.

    def _connected(
        self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self.has_resumed = flags.session_present
        if not self._accepted.done():
            self._accepted.set_result(reason)

    def _disconnected(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._mark_ended()
        if not self._accepted.done():
            self._accepted.set_result(reason)

    def _published(
        self, _client: Client, _data: object, mid: int, _reason: ReasonCode, _properties: Properties
    ) -> None:
        _settle(self._publications.get(mid), True)

    def _subscribed(
        self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: Properties
    ) -> None:
        _settle(self._subscriptions.get(mid), max((reason.value for reason in reasons), default=_REFUSED))

    def _received(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.qos:
            if message.dup and message.mid in self._unacknowledged:
                return  # sent again because our acknowledgement takes long; it is being worked on
            self._unacknowledged.add(message.mid)
        self._on_publish(self, message)

    def _socket_closing(self, _client: Client, _data: object, sock: object) -> None:
        descriptor = cast("socket.socket", sock).fileno()
        self._loop.remove_reader(descriptor)
        self._loop.remove_writer(descriptor)
        self._reading = False
        self._mark_ended()

    def _want_write(self, _client: Client, _data: object, sock: object) -> None:
        self._writable.clear()
        self._loop.add_writer(cast("socket.socket", sock).fileno(), self._client.loop_write)

    def _written(self, _client: Client, _data: object, sock: object) -> None:
        self._loop.remove_writer(cast("socket.socket", sock).fileno())
        self._writable.set()

    def _mark_ended(self) -> None:
        self.closed.set()
        self._writable.set()
        self._unacknowledged.clear()
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        for published in self._publications.values():
            _settle(published, False)
        for granted in self._subscriptions.values():
            _settle(granted, -1)


def _new_client(address: BrokerAddress, client_id: str, persistent: bool, will: Will | None) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=not persistent,
        protocol=MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.connect_timeout = _CONNECT_TIMEOUT_S
    client.max_inflight_messages_set(0)  # the bus bounds what is in flight
    client.username_pw_set(address.user, address.password)
    if will is not None:
        client.will_set(will[0], will[1], qos=1, retain=True)
    if address.tls:
        client.tls_set_context(_tls(address))
    return client


def check_certificates(address: BrokerAddress) -> None:
    """Check that the certificates that verify the broker can be read: trying again would not help.

    Raises:
        ConfigurationError: They cannot be read.
    """
    if address.tls:
        _tls(address)


def _tls(address: BrokerAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=address.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificates that verify the broker cannot be read from {address.ca_file}: {error}.",
            advice="Name a PEM file by --broker-ca.",
        ) from error
    if not address.checks_name:
        context.check_hostname = False
        context.verify_flags |= (
            ssl.VERIFY_X509_PARTIAL_CHAIN
        )  # we were given the broker's own certificate, not its authority's
    return context


def _refusal_error(address: BrokerAddress, reason: ReasonCode) -> UnavailableError:
    if str(reason) in ("Bad user name or password", "Not authorized", "Client identifier not valid"):
        who = repr(address.user) if address.user else "a client without a user name"
        return LoginRefusedError(
            f"The MQTT broker at {address} refuses the login of {who}: {reason}.",
            advice="Check user and password in the broker's address.",
        )
    return UnavailableError(
        f"The MQTT broker at {address} ended the connection: {reason}.",
        advice="The broker's log says why; check that it speaks MQTT 3.1.1 on this port.",
    )


def _settle(future: "asyncio.Future[bool] | asyncio.Future[int] | None", value: int) -> None:
    if future is not None and not future.done():
        cast("asyncio.Future[int]", future).set_result(value)
