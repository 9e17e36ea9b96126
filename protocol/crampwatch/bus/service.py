"""The shell around every stage: its presence on the broker, the tasks it runs, and how it ends.

Each stage (collector, detector, store, Home Assistant, page) is a core that knows its work and this shell, which knows
how a service behaves on MQTT:

* **Presence.** A retained message on ``crampwatch/v1/_<name>/status`` says whether the service is online. It is
  published after every connection (the birth), withdrawn by the broker when the connection breaks (the last will), and
  withdrawn by the service itself before it leaves, because an orderly disconnection cancels the will.
* **Tasks.** A stage is a handful of coroutines that run until somebody asks it to stop. None of them can go on without
  the others, so the first to end ends all (:class:`TaskSet`). An error comes out as it was raised, not wrapped in an
  exception group: the command line prints our errors as they are.
* **Farewell.** Leaving takes at most `farewell_s`, even while the broker is away: the supervisor kills a stage that has
  not ended 1.5 s after it was asked to, and the broker publishes the last will then anyway.

The broker may be away when a service starts and may go at any time; :class:`crampwatch.bus.client.Bus` reconnects for
as long as the shell lasts. Only a login that is refused at the very first connection ends the service.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Final, Self

from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus, publish_message
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import ServiceStatus, encode
from crampwatch.protocol.topics import Leaf, service_topic

__all__ = ["ServiceShell", "TaskSet", "run_until_first_ends"]

FAREWELL_S: Final = 0.5
"""A broker that is there acknowledges within milliseconds; one that is not, will not come back in this moment."""
_log: Final = logging.getLogger(__name__)


class TaskSet:
    """Tasks that end together; a context manager that cancels those still running and waits for them to end.

    Tasks may be added at any time, also by the tasks themselves.
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[object]] = []
        self._has_ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, work: Coroutine[object, object, object]) -> None:
        """Run a coroutine as a task named after it."""
        task = asyncio.create_task(work, name=getattr(work, "__qualname__", None))
        task.add_done_callback(lambda _: self._has_ended.set())
        self._tasks.append(task)

    async def first_ended(self) -> None:
        """Return when one of the tasks has ended; raise its error, if that is how it ended."""
        await self._has_ended.wait()
        for task in self._tasks:
            if task.done():
                task.result()


async def run_until_first_ends(*works: Coroutine[object, object, object]) -> None:
    """Run coroutines until one of them ends, cancel the others, and raise the error of the one that ended, if any."""
    async with TaskSet() as tasks:
        for work in works:
            tasks.start(work)
        await tasks.first_ended()


class ServiceShell:
    """A service's presence on the broker, for as long as the context lasts.

    Entering does not wait for the broker. Leaving publishes that the service is offline, whether its work was stopped,
    failed or was cancelled.

    Args:
        name: Of the service, as in its status topic.
        broker: Where it is present.
        client_id: Who it is to the broker; a persistent client must keep its id over restarts.
        version: Of the software, for the status.
        detail: For the status: what a person may want to know of this service, such as the page's address.
        subscriptions: Topic filter and quality of service of what it reads, subscribed before it is announced online.
        persistent: Whether the broker keeps for it what arrives while it is away.
        farewell_s: How long leaving may take.
        before_offline: What else to publish before leaving, within the same time.
        now_ns: The clock of its status messages, UTC.

    Attributes:
        bus: Its connection to the broker.

    Raises:
        ConfigurationError: On entering: the certificates that verify the broker cannot be read.
    """

    def __init__(
        self,
        name: str,
        broker: BrokerAddress,
        *,
        client_id: str,
        version: str = "",
        detail: str = "",
        subscriptions: Mapping[str, int] | None = None,
        persistent: bool = False,
        farewell_s: float = FAREWELL_S,
        before_offline: Callable[[], Awaitable[None]] | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._name = name
        self._version = version
        self._detail = detail
        self._farewell_s = farewell_s
        self._before_offline = before_offline
        self._now_ns = now_ns
        topic = str(service_topic(name))
        self.bus = Bus(
            broker,
            client_id=client_id,
            will=(topic, encode(self._status(online=False))),
            birth=(topic, encode(self._status(online=True))),
            subscriptions=subscriptions,
            persistent=persistent,
            first_timeout_s=None,
        )

    async def __aenter__(self) -> Self:
        await self.bus.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._leave()
        finally:
            await self.bus.__aexit__(kind, error, trace)

    async def run(self, *works: Coroutine[object, object, object], stop: asyncio.Event) -> None:
        """Run the service's tasks until `stop` is set or one of them ends; raise the error of that one, if any."""
        await run_until_first_ends(stop.wait(), *works)

    async def publish_online(
        self, *, detail: str | None = None, backlog: int | None = None, free_bytes: int | None = None
    ) -> None:
        """Publish the status again, with what has changed since the service was announced.

        Args:
            detail: In place of the shell's own; None to keep that.
            backlog: Messages that wait to be passed on; None for a service where none ever wait.
            free_bytes: Left on the disk it writes to; None for a service that writes to none, or where unknown.
        """
        status = self._status(online=True, detail=detail, backlog=backlog, free_bytes=free_bytes)
        await publish_message(self.bus, status, Leaf.STATUS)

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(self._farewell_s):
                if self._before_offline is not None:
                    await self._before_offline()
                await publish_message(self.bus, self._status(online=False), Leaf.STATUS)
        except TimeoutError:
            _log.info("the broker is away: it will publish by itself that the %s is offline", self._name)
        except UnavailableError:
            pass  # the login was refused, which the service's own tasks have met and raised

    def _status(
        self, *, online: bool, detail: str | None = None, backlog: int | None = None, free_bytes: int | None = None
    ) -> ServiceStatus:
        return ServiceStatus(
            sensor=service_topic(self._name).sensor,
            t_ns=self._now_ns(),
            origin=Origin.LIVE,
            online=online,
            service=self._name,
            version=self._version,
            detail=self._detail if detail is None else detail,
            backlog=backlog,
            free_bytes=free_bytes,
        )
