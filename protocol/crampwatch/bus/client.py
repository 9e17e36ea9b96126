"""The MQTT client every service uses: it reconnects for ever, publishes at least once, and acknowledges by hand."""

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
"""More than any block or message of ours; the embedded broker accepts twice this."""
_HARD_LIMIT: Final = 4
"""Times `receive_limit`: beyond it QoS 0 is dropped, as its sender allows."""
_SETTLED_S: Final = 5.0
"""A connection that lasted this long was a good one: after it the pauses begin small again."""
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """A received message.

    Attributes:
        topic: Where it was published.
        payload: As published.
        retained: Whether it was said before we subscribed.
    """

    topic: str
    payload: bytes
    retained: bool
    _mid: int = field(default=0, repr=False, compare=False)
    _connection: Connection | None = field(default=None, repr=False, compare=False)

    def ack(self) -> None:
        """Tell the broker it is done with; again, or after its connection ended, without effect.

        A message never acknowledged is sent again, to a persistent client also after its restart.
        """
        if self._connection is not None:
            self._connection.acknowledge(self._mid)


class Bus:
    """A client of a broker, for as long as the context lasts.

    What it publishes with QoS 1 is sent again after a reconnection until acknowledged or cancelled. What it receives
    waits in a queue: beyond `receive_limit` the socket is not read, unless something we sent still awaits its
    acknowledgement (a consumer that publishes would wait for ever); then QoS 1 stays bounded by the broker's own
    window, and QoS 0 is dropped beyond four times the limit.

    Args:
        address: The broker.
        client_id: Who we are; fixed for a persistent client.
        will: Topic and payload the broker publishes, retained, when we vanish.
        birth: Topic and payload we publish, retained, after every connection, once the subscriptions stand.
        subscriptions: Filter and quality of service of what is to be subscribed before the birth is published.
        persistent: Whether the broker keeps subscriptions and unacknowledged messages while we are away.
        receive_limit: Messages waiting to be taken.
        inflight_limit: Publications awaiting acknowledgement; further ones wait their turn.
        first_timeout_s: How long entering the context may take. None to enter at once: then everything waits for the
            first connection, and is told if the login is refused.

    Raises:
        UnavailableError: On entering: login refused, or no connection within `first_timeout_s`.
        ConfigurationError: On entering: the certificates that may vouch for the broker cannot be read.
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
        self._up = asyncio.Event()
        self._queue: deque[Message] = deque()
        self._arrival = asyncio.Event()
        self._failure: UnavailableError | None = None
        self._refusal: LoginRefusedError | None = None
        self._newest: Connection | None = None
        self._resumed_s: float | None = None
        self._welcomed = False
        self._runner: asyncio.Task[None] | None = None
        self._dropped = 0

    async def __aenter__(self) -> Self:
        check_certificates(self._address)
        self._runner = asyncio.create_task(self._run(), name=f"mqtt {self._client_id}")
        if self._first_timeout_s is None:
            return self
        try:
            async with asyncio.timeout(self._first_timeout_s):
                await self._established()
        except TimeoutError:
            await self._shut()
            raise self._failure or UnavailableError(
                f"The MQTT broker at {self._address} did not answer within {self._first_timeout_s:g} s.",
                advice="Check that it runs, and its host and port.",
            ) from None
        except BaseException:
            await self._shut()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._shut()

    @property
    def address(self) -> BrokerAddress:
        """The broker."""
        return self._address

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there at the moment and our subscriptions stand."""
        return self._connection is not None and self._connection.is_alive

    @property
    def resumed_s_ago(self) -> float:
        """Seconds since the broker took up a session it had kept for us; infinite where it had none.

        What we had in hand when the earlier connection broke may be sent again after newer messages: NATS waits for its
        `ack_wait` (:data:`crampwatch.bus.embedded.ACK_WAIT_S`) to pass.
        """
        return math.inf if self._resumed_s is None else asyncio.get_running_loop().time() - self._resumed_s

    @property
    def queued_messages(self) -> int:
        """Received messages not taken yet."""
        return len(self._queue)

    @property
    def dropped_messages(self) -> int:
        """QoS 0 messages dropped so far: sent with no connection, or received faster than taken."""
        return self._dropped

    async def wait_connected(self) -> None:
        """Return when the broker is there.

        Raises:
            UnavailableError: The login was refused.
        """
        await self._established()

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish; return when acknowledged (QoS 1), or handed over or dropped for want of a connection (QoS 0).

        Raises:
            ValueError: The payload is longer than `MAX_PAYLOAD_BYTES`, or the topic is none.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"A payload of {len(payload)} octets; at most {MAX_PAYLOAD_BYTES} can be published.")
        if qos == 0:
            if self._newest is None or not await self._newest.publish(topic, payload, qos=0, retain=retain):
                self._drop()
            return
        async with self._inflight:
            while True:
                connection = await self._established()
                if await connection.publish(topic, payload, qos=1, retain=retain):
                    metrics.PUBLISHED.labels(metrics.leaf_label(topic)).inc()
                    return

    async def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Subscribe, now and after every reconnection; return when the broker has agreed.

        Raises:
            UnavailableError: The broker refuses.
        """
        self._filters[topic_filter] = qos
        while True:
            connection = await self._established()
            if await connection.subscribe(topic_filter, qos):
                return

    async def receive(self) -> Message:
        """Return the next message, in the order of arrival; cancelling loses none.

        Raises:
            UnavailableError: The login was refused.
        """
        return (await self.receive_some(1))[0]

    async def receive_some(self, limit: int) -> list[Message]:
        """Return the next messages: one at least, and what else waits already up to a limit; cancelling loses none.

        Raises:
            UnavailableError: The login was refused.
        """
        while not self._queue:
            if self._refusal is not None:
                raise self._refusal
            self._arrival.clear()
            await self._arrival.wait()
        received = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
        self._pace()
        return received

    async def messages(self) -> AsyncIterator[Message]:
        """Yield messages until cancelled."""
        while True:
            yield await self.receive()

    async def _established(self) -> Connection:
        while True:
            await self._up.wait()
            if self._refusal is not None:
                raise self._refusal
            if self._connection is not None and self._connection.is_alive:
                return self._connection
            await asyncio.sleep(0)  # it ended this very moment, and the runner is about to notice

    async def _run(self) -> None:
        pauses = backoff_s()
        clock = asyncio.get_running_loop().time
        while True:
            began_s = clock()
            try:
                await self._serve()
            except LoginRefusedError as error:
                if not self._welcomed:
                    self._give_up(error)
                    return
                self._report(error)
            except UnavailableError as error:
                self._report(error)
            if clock() - began_s > _SETTLED_S:
                pauses = backoff_s()
            await asyncio.sleep(next(pauses))

    async def _serve(self) -> None:
        """Connect, and return when the connection has ended."""
        connection = await Connection.open(
            self._address,
            client_id=self._client_id,
            persistent=self._persistent,
            will=self._will,
            on_publish=self._take,
        )
        try:
            if await self._resume(connection):
                self._stand(connection)
                await connection.closed.wait()
                self._report(UnavailableError(f"The connection to the MQTT broker at {self._address} broke."))
        finally:
            self._up.clear()
            self._connection = None
            metrics.CONNECTED.set(0)
            await connection.close()

    async def _resume(self, connection: Connection) -> bool:
        for topic_filter, qos in tuple(self._filters.items()):
            if not await connection.subscribe(topic_filter, qos):
                return False
        if self._birth is not None:
            return await connection.publish(*self._birth, qos=1, retain=True)
        return connection.is_alive

    def _stand(self, connection: Connection) -> None:
        if self._failure is not None:
            _log.info("connected to the MQTT broker at %s", self._address)
        self._failure = None
        self._welcomed = True
        self._connection = connection
        metrics.CONNECTED.set(1)
        self._meet(connection)
        self._up.set()
        self._pace()

    def _give_up(self, error: LoginRefusedError) -> None:
        """Tell all who wait, and all who will."""
        self._refusal = error
        self._up.set()
        self._arrival.set()

    def _meet(self, connection: Connection) -> None:
        """Note when a session was resumed; its first messages may come before its subscriptions are confirmed."""
        if connection is not self._newest:
            self._newest = connection
            self._resumed_s = asyncio.get_running_loop().time() if connection.has_resumed else None

    def _report(self, error: UnavailableError) -> None:
        """Say the first failure of an outage aloud, unless it will be raised on entering."""
        is_heard = self._welcomed or self._first_timeout_s is None
        _log.log(logging.WARNING if is_heard and self._failure is None else logging.DEBUG, "%s", error)
        self._failure = error

    def _take(self, connection: Connection, message: MQTTMessage) -> None:
        self._meet(connection)
        if message.qos == 0 and len(self._queue) >= self._receive_limit * _HARD_LIMIT:
            self._drop()
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no topic of ours: the consumer counts it as unreadable
        origin = connection if message.qos else None
        self._queue.append(Message(topic, bytes(message.payload), message.retain, message.mid, origin))
        metrics.RECEIVED.labels(metrics.leaf_label(topic)).inc()
        self._arrival.set()
        self._pace()

    def _drop(self) -> None:
        self._dropped += 1
        metrics.DROPPED.inc()

    def _pace(self) -> None:
        """Stop reading while the queue is full, unless an answer is awaited; read again once it is half empty."""
        connection = self._connection
        if connection is None:
            return
        if len(self._queue) >= self._receive_limit and not connection.awaits_answer:
            connection.set_reading(False)
        elif len(self._queue) <= self._receive_limit // 2:
            connection.set_reading(True)

    async def _shut(self) -> None:
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)


async def publish_message(bus: Bus, message: messages.Message, leaf: Leaf) -> None:
    """Publish a protocol message on the topic, and with the quality of service and retention, of its leaf."""
    payload = messages.encode(message)
    await bus.publish(str(Topic(message.sensor, leaf)), payload, qos=leaf.qos, retain=leaf.retained)
