"""The HTTP side of alarms, sensor labels and the state of this machine."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.messages import Name
from crampwatch.protocol.topics import SENSOR_PATTERN
from crampwatch.web.http import files as kept
from crampwatch.web.http.openapi import Operation, RefusedError, answer, read_body
from crampwatch.web.live.model import LiveModel
from crampwatch.web.night.bedtime import NightMarks, Step, make_mark
from crampwatch.web.settings.model.alarms import AlarmControl, AlarmState, Clock
from crampwatch.web.settings.model.sensor_labels import MAX_LABELS, SensorLabel
from crampwatch.web.settings.system_report import SystemReport
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["SettingsApi", "SettingsFolder"]

_EXPIRY_CHECK_S: Final = 1.0
Body = TypeVar("Body", bound=Struct)
_SENSOR: Final = (("sensor", SENSOR_PATTERN),)
SensorId = Annotated[str, Meta(pattern=f"^{SENSOR_PATTERN}$")]


class Snooze(Struct, frozen=True, forbid_unknown_fields=True):
    """For how long a kind is to be quiet; 0 ends it."""

    kind: EpisodeKind
    seconds: int


class Acknowledgement(Struct, frozen=True, forbid_unknown_fields=True):
    """Episodes somebody has seen."""

    episodes: Annotated[list[Name], Meta(min_length=1, max_length=50)]


class AlarmChoice(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the page calls for, and when the sleeper gets up; what is left out stays."""

    calls: list[EpisodeKind] | None = None
    wake_at: Clock | None = None


class NightStep(Struct, frozen=True, forbid_unknown_fields=True):
    """The night begins, or is over."""

    step: Step


@dataclass(frozen=True, slots=True)
class SettingsFolder:
    """Where the page's server keeps what people set.

    Attributes:
        root: A folder of its own within the data folder; None: nothing outlives the server.
    """

    root: Path | None

    def load_alarms(self) -> AlarmState:
        """Return what was said about alarms in earlier runs."""
        return kept.load(self.root / "alarms.json", AlarmState, AlarmState()) if self.root else AlarmState()

    def load_labels(self) -> dict[str, SensorLabel]:
        """Return how the sensors are called."""
        return kept.load(self.root / "sensors.json", dict[SensorId, SensorLabel], {}) if self.root else {}

    def save_alarms(self, state: AlarmState) -> None:
        """Keep what was said about alarms."""
        if self.root is not None:
            kept.save(self.root / "alarms.json", state)

    def save_labels(self, labels: dict[str, SensorLabel]) -> None:
        """Keep how the sensors are called."""
        if self.root is not None:
            kept.save(self.root / "sensors.json", labels)


class SettingsApi:
    """Answers for settings, and keeps what was set.

    Args:
        model: Shows what is set to every open page.
        folder: Where it is kept.
        examine: Looks at this machine; may block.
        marks: Keep when the night began and ended.
    """

    def __init__(
        self, model: LiveModel, folder: SettingsFolder, examine: Callable[[], SystemReport], marks: NightMarks
    ) -> None:
        self._model = model
        self._folder = folder
        self._examine = examine
        self._marks = marks
        self._book = AlarmControl(folder.load_alarms())
        self._labels = folder.load_labels()
        self._saving = asyncio.Lock()
        self._book.expire(now_ns=time.time_ns())
        model.set_alarms(self._book.state)
        model.set_labels(self._labels)

    def operations(self) -> list[Operation]:
        """Return what is answered."""
        alarms, sensor = "/api/v1/alarms", "/api/v1/sensors/{sensor}"
        told = AlarmState
        return [
            Operation("GET", alarms, self.alarms, "What people said about alarms", result=told, refusals=()),
            Operation(
                "PATCH", alarms, self.choose, "Choose what calls", body=AlarmChoice, result=told, refusals=(400,)
            ),
            Operation(
                "POST", f"{alarms}/snooze", self.snooze, "Quiet a kind", body=Snooze, result=told, refusals=(400,)
            ),
            Operation(
                "POST",
                f"{alarms}/acknowledge",
                self.acknowledge,
                "Say that episodes have been seen",
                body=Acknowledgement,
                result=told,
                refusals=(400,),
            ),
            Operation(
                "POST",
                f"{alarms}/night",
                self.night,
                "Begin or end the night",
                body=NightStep,
                result=told,
                refusals=(400,),
            ),
            Operation(
                "PUT",
                sensor,
                self.label,
                "Name a sensor and say where it is worn",
                _SENSOR,
                body=SensorLabel,
                result=SensorLabel,
                refusals=(400, 404, 409),
            ),
            Operation("DELETE", sensor, self.unlabel, "Let it call itself", _SENSOR, status=204, refusals=(404,)),
            Operation(
                "GET", "/api/v1/system", self.system, "The state of this machine", result=SystemReport, refusals=()
            ),
        ]

    async def run(self) -> None:
        """End snoozes when their time is over, until cancelled."""
        while True:
            await asyncio.sleep(_EXPIRY_CHECK_S)
            if self._book.expire(now_ns=time.time_ns()):
                await self._keep_alarms()

    async def alarms(self, _request: Request) -> Response:
        """What has been said about alarms."""
        return answer(self._book.state)

    async def choose(self, request: Request) -> Response:
        """Choose what the page calls for, and when the sleeper gets up."""

        def change(choice: AlarmChoice) -> None:
            if choice.calls is not None:
                self._book.call_for(choice.calls)
            if choice.wake_at is not None:
                self._book.wake_at(choice.wake_at)

        return await self._change(request, AlarmChoice, change)

    async def snooze(self, request: Request) -> Response:
        """Let a kind be quiet for a while."""

        def change(snooze: Snooze) -> None:
            self._book.snooze(snooze.kind, seconds=snooze.seconds, now_ns=time.time_ns())

        return await self._change(request, Snooze, change)

    async def acknowledge(self, request: Request) -> Response:
        """Note that somebody has seen episodes: every open page falls silent about them."""
        return await self._change(request, Acknowledgement, lambda seen: self._book.acknowledge(seen.episodes))

    async def night(self, request: Request) -> Response:
        """Begin the night, or end it."""
        night: NightStep = await read_body(request, NightStep)
        now_ns = time.time_ns()
        is_news = self._book.begin_night(now_ns=now_ns) if night.step == "begin" else self._book.end_night()
        if is_news:
            await self._marks.add(make_mark(night.step, t_ns=now_ns, origin=self._model.origin))
        await self._keep_alarms()
        return answer(self._book.state)

    async def label(self, request: Request) -> Response:
        """Name a sensor and say where it is worn."""
        sensor = request.path_params["sensor"]
        label = await read_body(request, SensorLabel)
        if sensor not in self._model.sensors and sensor not in self._labels:
            raise RefusedError(404, "No such sensor has been heard of.", "no_sensor")
        if sensor not in self._labels and len(self._labels) >= MAX_LABELS:
            told = f"{MAX_LABELS} sensors are named already; reset one of them first."
            raise RefusedError(409, told, "too_many_names")
        await self._keep_labels({**self._labels, sensor: label})
        return answer(label)

    async def unlabel(self, request: Request) -> Response:
        """Let a sensor call itself as it does."""
        sensor = request.path_params["sensor"]
        if sensor not in self._labels:
            raise RefusedError(404, "This sensor has no name of yours.")
        await self._keep_labels({name: label for name, label in self._labels.items() if name != sensor})
        return Response(status_code=204)

    async def system(self, _request: Request) -> Response:
        """The state of this machine."""
        return answer(await run_in_threadpool(self._examine))

    async def _change(self, request: Request, kind: type[Body], change: Callable[[Body], None]) -> Response:
        try:
            change(await read_body(request, kind))
        except ValueError as error:
            raise RefusedError(400, str(error)) from error
        await self._keep_alarms()
        return answer(self._book.state)

    async def _keep_alarms(self) -> None:
        self._model.set_alarms(self._book.state)
        async with self._saving:
            await run_in_threadpool(self._folder.save_alarms, self._book.state)

    async def _keep_labels(self, labels: dict[str, SensorLabel]) -> None:
        self._labels = labels
        self._model.set_labels(labels)
        async with self._saving:
            await run_in_threadpool(self._folder.save_labels, self._labels)
