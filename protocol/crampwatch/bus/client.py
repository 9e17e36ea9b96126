"""The MQTT client of every service: it reconnects forever, publishes at least once, and acknowledges explicitly.

No sample may be lost on the way from a sensor to the store, whichever process is killed at whatever moment. Three
properties of MQTT make that possible, and this client is built around them:

* **Acknowledgement is the consumer's.** MQTT libraries normally acknowledge a message when it arrives. Here a message
  is acknowledged only by :meth:`Message.ack`, which the consumer calls when the message has done its work and is safe
  on disk. Until then the broker keeps it, and sends it again after a crash of ours.
* **Publishing waits.** :meth:`Bus.publish` with QoS 1 returns when the broker has acknowledged. If the connection
  breaks first, it publishes again on the next one. So a message may arrive twice, never not at all, and consumers have
  to be idempotent: sample indices and episode ids make them so.
* **Connections are disposable.** paho's own reconnection keeps unacknowledged messages in memory and is hard to reason
  about. A :class:`crampwatch.bus.connection.Connection` instead lives once, from CONNECT to the closed socket; this
  class opens one after the other, with growing pauses.

Backpressure: received messages wait in a queue. When it is full the socket is not read any more, so TCP slows the
broker down. The one exception is a consumer that waits for an acknowledgement of its own publication: that arrives on
the same socket, so reading has to go on, or both would wait forever. QoS 1 stays bounded by the broker's window of
unacknowledged messages; QoS 0 has no window and is dropped beyond a hard limit.

Failures: a login that is refused at the first connection is raised, because trying again would not help. After that,
everything is retried: a broker may be restarted with wrong permissions for a moment, and recording must survive that.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from crampwatch.bus import metrics
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.backoff import backoff_s
from crampwatch.bus.connection import Connection, LoginRefusedError, Will, check_certificates
from crampwatch.protocol import messages
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.topics import Leaf, Topic
from paho.mqtt.client import MQTTMessage

__all__ = ["MAX_PAYLOAD_BYTES", "Bus", "Message", "publish_message"]

MAX_PAYLOAD_BYTES: Final = 2 << 20
"""Twice a second of 64 channels at 4 kHz in 4 bytes. The embedded broker accepts twice this."""
_HARD_LIMIT: Final = 4
"""Times `receive_limit` in the queue: beyond it messages of QoS 0 are dropped, which their sender allows."""
_SETTLED_S: Final = 5.0
"""After a connection that lasted this long, pauses between attempts start small again."""
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """A received message.

    Attributes:
        topic: Where it was published.
        payload: As published.
        retained: Whether it was published before we subscribed.
    """

    topic: str
    payload: bytes
    retained: bool
    _mid: int = field(default=0, repr=False, compare=False)
    _connection: Connection | None = field(default=None, repr=False, compare=False)

    def ack(self) -> None:
        """Acknowledge the message to the broker; without effect the second time or after its connection ended.

        A message that is never acknowledged is sent again; to a persistent client, even after its restart.
        """
        if self._connection is not None:
            self._connection.acknowledge(self._mid)


class Bus:
    """A client of a broker, for as long as the context lasts.

    Args:
        address: The broker.
        client_id: Id of this client; the broker disconnects an older client of the same id. A persistent client must
            keep its id over restarts.
        will: Topic and payload that the broker publishes, retained, when the connection breaks.
        birth: Topic and payload to publish, retained, after every connection, once all subscriptions are confirmed.
        subscriptions: Topic filters and their quality of service, subscribed before the birth is published.
        persistent: Whether the broker keeps subscriptions and unacknowledged messages while this client is away.
        receive_limit: Received messages in the queue beyond which the socket is not read.
        inflight_limit: Publications that may await acknowledgement at a time; further ones wait.
        first_timeout_s: How long entering the context may take. None to enter at once: then every call waits for the
            first connection, and raises if the login is refused.

    Raises:
        UnavailableError: On entering: login refused, or no connection within `first_timeout_s`.
        ConfigurationError: On entering: the certificates that verify the broker cannot be read.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        will: Will | None = None,
        birth: Will | None = None,
        subscriptions: Mapping[str, int] | None = None,
        persistent: bool = False,
        receive_limit: int = 1000,
        inflight_limit: int = 100,
        first_timeout_s: float | None = 10.0,
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._will = will
        self._birth = birth
        self._persistent = persistent
        self._receive_limit = receive_limit
        self._first_timeout_s = first_timeout_s
        self._inflight = asyncio.Semaphore(inflight_limit)
        self._filters: dict[str, int] = dict(subscriptions or {})
        self._connection: Connection | None = None
        self._is_up = asyncio.Event()
        self._queue: deque[Message] = deque()
        self._has_arrived = asyncio.Event()
        self._failure: UnavailableError | None = None
        self._refusal: LoginRefusedError | None = None
        self._newest: Connection | None = None
        self._resumed_s: float | None = None
        self._was_accepted = False
        self._runner: asyncio.Task[None] | None = None
        self._dropped = 0

    async def __aenter__(self) -> Self:
        check_certificates(self._address)
        self._runner = asyncio.create_task(self._run(), name=f"mqtt {self._client_id}")
        if self._first_timeout_s is None:
            return self
        try:
            async with asyncio.timeout(self._first_timeout_s):
                await self._wait_established()
        except TimeoutError:
            await self._shut_down()
            raise self._failure or UnavailableError(
                f"The MQTT broker at {self._address} did not answer within {self._first_timeout_s:g} s.",
                advice="Check that it is running, and its host and port.",
            ) from None
        except BaseException:
            await self._shut_down()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._shut_down()

    @property
    def address(self) -> BrokerAddress:
        """The broker."""
        return self._address

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection at the moment, with all subscriptions confirmed."""
        return self._connection is not None and self._connection.is_alive

    @property
    def resumed_s_ago(self) -> float:
        """Seconds since the broker resumed a session it had kept for us; infinite if it had none.

        For some seconds after that, messages may arrive out of order: NATS sends what was unacknowledged on the earlier
        connection only after its `ack_wait` (:data:`crampwatch.bus.embedded.ACK_WAIT_S`), and newer ones at once.
        """
        return math.inf if self._resumed_s is None else asyncio.get_running_loop().time() - self._resumed_s

    @property
    def queued_messages(self) -> int:
        """Number of received messages that wait for `receive`."""
        return len(self._queue)

    @property
    def dropped_messages(self) -> int:
        """Number of QoS 0 messages dropped so far: published without a connection, or received too fast."""
        return self._dropped

    async def wait_connected(self) -> None:
        """Return as soon as there is a connection.

        Raises:
            UnavailableError: The login was refused.
        """
        await self._wait_established()

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish; return when acknowledged (QoS 1), or when sent or dropped for lack of a connection (QoS 0).

        Raises:
            ValueError: The payload is longer than `MAX_PAYLOAD_BYTES`, or the topic is invalid.
            UnavailableError: The login was refused.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"A payload has {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} can be published.")
        if qos == 0:
            if self._newest is None or not await self._newest.publish(topic, payload, qos=0, retain=retain):
                self._count_dropped()
            return
        async with self._inflight:
            while True:
                connection = await self._wait_established()
                if await connection.publish(topic, payload, qos=1, retain=retain):
                    metrics.PUBLISHED.labels(metrics.leaf_label(topic)).inc()
                    return

    async def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Subscribe, now and after every reconnection; return when the broker has confirmed it.

        Raises:
            UnavailableError: The broker refuses the subscription, or the login.
        """
        self._filters[topic_filter] = qos
        while True:
            connection = await self._wait_established()
            if await connection.subscribe(topic_filter, qos):
                return

    async def receive(self) -> Message:
        """Return the next message in the order of arrival; cancelling loses none.

        Raises:
            UnavailableError: The login was refused.
        """
        return (await self.receive_some(1))[0]

    async def receive_some(self, limit: int) -> list[Message]:
        """Wait for a message and return it with others already in the queue, up to a limit; cancelling loses none.

        Raises:
            UnavailableError: The login was refused.
        """
        while not self._queue:
            if self._refusal is not None:
                raise self._refusal
            self._has_arrived.clear()
            await self._has_arrived.wait()
        received = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
        self._adjust_reading()
        return received

    async def messages(self) -> AsyncIterator[Message]:
        """Yield messages forever."""
        while True:
            yield await self.receive()

    async def _wait_established(self) -> Connection:
        while True:
            await self._is_up.wait()
            if self._refusal is not None:
                raise self._refusal
            if self._connection is not None and self._connection.is_alive:
                return self._connection
            await asyncio.sleep(0)  # it ended at this very moment, and the runner is about to notice

    async def _run(self) -> None:
        pauses = backoff_s()
        clock = asyncio.get_running_loop().time
        while True:
            started_s = clock()
            try:
                await self._live_through_connection()
            except LoginRefusedError as error:
                if not self._was_accepted:
                    self._give_up(error)
                    return
                self._report(error)
            except UnavailableError as error:
                self._report(error)
            if clock() - started_s > _SETTLED_S:
                pauses = backoff_s()
            await asyncio.sleep(next(pauses))

    async def _live_through_connection(self) -> None:
        """Connect, restore subscriptions and birth, and return when the connection has ended."""
        connection = await Connection.open(
            self._address,
            client_id=self._client_id,
            persistent=self._persistent,
            will=self._will,
            on_publish=self._on_message,
        )
        try:
            if await self._restore_state(connection):
                self._mark_up(connection)
                await connection.closed.wait()
                self._report(UnavailableError(f"The connection to the MQTT broker at {self._address} was lost."))
        finally:
            self._is_up.clear()
            self._connection = None
            metrics.CONNECTED.set(0)
            await connection.close()

    async def _restore_state(self, connection: Connection) -> bool:
        for topic_filter, qos in tuple(self._filters.items()):
            if not await connection.subscribe(topic_filter, qos):
                return False
        if self._birth is not None:
            return await connection.publish(*self._birth, qos=1, retain=True)
        return connection.is_alive

    def _mark_up(self, connection: Connection) -> None:
        if self._failure is not None:
            _log.info("connected to the MQTT broker at %s", self._address)
        self._failure = None
        self._was_accepted = True
        self._connection = connection
        metrics.CONNECTED.set(1)
        self._note_connection(connection)
        self._is_up.set()
        self._adjust_reading()

    def _give_up(self, error: LoginRefusedError) -> None:
        """Make every call that waits, now or later, raise the refusal."""
        self._refusal = error
        self._is_up.set()
        self._has_arrived.set()

    def _note_connection(self, connection: Connection) -> None:
        """Note when a session was resumed; its first messages may arrive before its subscriptions are confirmed."""
        if connection is not self._newest:
            self._newest = connection
            self._resumed_s = asyncio.get_running_loop().time() if connection.has_resumed else None

    def _report(self, error: UnavailableError) -> None:
        """Log the first failure of an outage as a warning, unless it will be raised on entering."""
        is_news = self._failure is None and (self._was_accepted or self._first_timeout_s is None)
        _log.log(logging.WARNING if is_news else logging.DEBUG, "%s", error)
        self._failure = error

    def _on_message(self, connection: Connection, message: MQTTMessage) -> None:
        self._note_connection(connection)
        if message.qos == 0 and len(self._queue) >= self._receive_limit * _HARD_LIMIT:
            self._count_dropped()
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # none of our topics: the consumer counts it as unreadable
        origin = connection if message.qos else None
        self._queue.append(Message(topic, bytes(message.payload), message.retain, message.mid, origin))
        metrics.RECEIVED.labels(metrics.leaf_label(topic)).inc()
        self._has_arrived.set()
        self._adjust_reading()

    def _count_dropped(self) -> None:
        self._dropped += 1
        metrics.DROPPED.inc()

    def _adjust_reading(self) -> None:
        """Stop reading the socket while the queue is full, unless a reply is awaited; resume at half the limit."""
        connection = self._connection
        if connection is None:
            return
        if len(self._queue) >= self._receive_limit and not connection.awaits_reply:
            connection.set_reading(False)
        elif len(self._queue) <= self._receive_limit // 2:
            connection.set_reading(True)

    async def _shut_down(self) -> None:
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)


async def publish_message(bus: Bus, message: messages.Message, leaf: Leaf) -> None:
    """Publish a protocol message on its leaf's topic, with the leaf's quality of service and retention."""
    payload = messages.encode(message)
    await bus.publish(str(Topic(message.sensor, leaf)), payload, qos=leaf.qos, retain=leaf.retained)
