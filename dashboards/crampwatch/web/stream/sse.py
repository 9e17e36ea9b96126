"""Fans the live picture out to the browsers that look at it, by server-sent events."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from crampwatch.bus.tasks import first_of
from crampwatch.protocol.errors import UnavailableError
from crampwatch.web.live.model import LiveModel
from crampwatch.web.live.schema import encode_event
from starlette.types import Receive, Scope, Send

__all__ = ["EventStream", "Hub", "Viewer"]

_TICK_S: Final = 0.05
"""A change waits half of it on average. Sensors send about ten times a second, so asking oftener tells little more."""
_BEAT_S: Final = 1.0
"""The page calls the connection lost after three beats without a word."""
_BACKLOG: Final = 100
"""Events a browser may be behind, about five seconds: then it is better off with a new snapshot."""
_MOST_VIEWERS: Final = 16
_STUCK_S: Final = 10.0
"""A browser that takes nothing for so long is gone: phones leave the house without closing connections."""


class Viewer:
    """One open page: a bounded queue of encoded events."""

    def __init__(self, first: bytes, *, backlog: int) -> None:
        self._events: asyncio.Queue[bytes] = asyncio.Queue(backlog)
        self._events.put_nowait(first)
        self.is_dropped = asyncio.Event()

    def offer(self, event: bytes) -> None:
        """Queue an event; drop the viewer, not the event, when it is too far behind."""
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self.is_dropped.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield what is queued, for ever."""
        while True:
            yield await self._events.get()


class Hub:
    """Asks the model for changes twenty times a second and passes them to every viewer.

    Args:
        model: The live picture.
        clock: Monotonic seconds.
        backlog: Events a viewer may be behind.
    """

    def __init__(
        self, model: LiveModel, *, clock: Callable[[], float] = time.monotonic, backlog: int = _BACKLOG
    ) -> None:
        self._model = model
        self._clock = clock
        self._backlog = backlog
        self._viewers: set[Viewer] = set()
        self._told_s = clock()

    @property
    def viewers(self) -> int:
        """How many pages are open."""
        return len(self._viewers)

    @contextlib.contextmanager
    def viewer(self) -> Iterator[Viewer]:
        """Add a viewer, whose first event is a snapshot.

        Raises:
            UnavailableError: There are too many already.
        """
        if len(self._viewers) >= _MOST_VIEWERS:
            raise UnavailableError(
                f"{_MOST_VIEWERS} pages are open already.", advice="Close one that nobody looks at, then reload."
            )
        if not self._viewers:
            self._model.drain_changes(now_s=self._clock())  # what came while nobody looked is in the snapshot
        snapshot = encode_event("snapshot", self._model.snapshot(now_s=self._clock()))
        viewer = Viewer(snapshot, backlog=self._backlog)
        self._viewers.add(viewer)
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)

    async def run(self) -> None:
        """Tell viewers what changes, until cancelled."""
        while True:
            self.tick()
            await asyncio.sleep(_TICK_S)

    def tick(self) -> None:
        """Tell what changed since the last tick, or that nothing did for a while."""
        if not self._viewers:
            return
        now_s = self._clock()
        update = self._model.drain_changes(now_s=now_s)
        if update is not None:
            self._tell(encode_event("update", update), now_s)
        elif now_s - self._told_s >= _BEAT_S:
            self._tell(encode_event("beat"), now_s)

    def close(self) -> None:
        """End every viewer's stream, so that the server can stop."""
        for viewer in self._viewers:
            viewer.is_dropped.set()

    def _tell(self, event: bytes, now_s: float) -> None:
        self._told_s = now_s
        for viewer in self._viewers:
            viewer.offer(event)


class EventStream:
    """An ASGI response that streams one viewer's events until it leaves, falls behind, or the server stops.

    Args:
        hub: Whose events.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        del scope  # every viewer is told the same
        with self._hub.viewer() as viewer:
            await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
            await first_of(_pump(viewer, send), _until_gone(receive), viewer.is_dropped.wait())
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})


_STREAM_HEADERS: Final = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]


async def _pump(viewer: Viewer, send: Send) -> None:
    await send({"type": "http.response.body", "body": b"retry: 1000\n\n", "more_body": True})
    with contextlib.suppress(OSError, TimeoutError):
        async for event in viewer.events():
            async with asyncio.timeout(_STUCK_S):
                await send({"type": "http.response.body", "body": event, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
