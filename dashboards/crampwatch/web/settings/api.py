"""HTTP operations of settings: alarms, sensor labels, and the report on this machine."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from crampwatch.protocol.topics import SENSOR_PATTERN
from crampwatch.web.http.openapi import Operation, RefusedError, json_response, read_body
from crampwatch.web.live.model import LiveModel
from crampwatch.web.model.alarms import AlarmControl, AlarmState
from crampwatch.web.model.sensor_labels import MAX_LABELS, SensorLabel
from crampwatch.web.night.bedtime import NightMarks, make_mark
from crampwatch.web.settings.folder import SettingsFolder
from crampwatch.web.settings.schema import Acknowledgement, AlarmChoice, NightStep, Snooze
from crampwatch.web.settings.system_report import SystemReport
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["SettingsApi"]

_EXPIRY_CHECK_S: Final = 1.0
"""How often to check for snoozes that have ended."""
_SENSOR: Final = (("sensor", SENSOR_PATTERN),)
Body = TypeVar("Body", bound=Struct)


class SettingsApi:
    """Handlers for settings; they save what was set and show it on every open page.

    Args:
        model: Model of the live view, which shows the settings on open pages.
        folder: Files the settings are saved in.
        make_report: Returns the report on this machine; may block.
        marks: Publishes when the wearer starts and ends the night.
    """

    def __init__(
        self, model: LiveModel, folder: SettingsFolder, make_report: Callable[[], SystemReport], marks: NightMarks
    ) -> None:
        self._model = model
        self._folder = folder
        self._make_report = make_report
        self._marks = marks
        self._alarms = AlarmControl(folder.load_alarms())
        self._labels = folder.load_labels()
        self._saving = asyncio.Lock()
        self._alarms.expire(now_ns=time.time_ns())
        model.set_alarms(self._alarms.state)
        model.set_labels(self._labels)

    def operations(self) -> list[Operation]:
        """Return the operations of settings."""
        return [
            *self._alarm_operations(),
            *self._sensor_operations(),
            Operation(
                "GET",
                "/api/v1/system",
                self.get_system_report,
                "Report on this machine",
                result=SystemReport,
                refusals=(),
            ),
        ]

    def _alarm_operations(self) -> list[Operation]:
        root = "/api/v1/alarms"
        changes: dict[str, Any] = {"result": AlarmState, "refusals": (400,)}
        return [
            Operation("GET", root, self.get_alarms, "State of the alarms", result=AlarmState, refusals=()),
            Operation("PATCH", root, self.choose_alarms, "Choose alarms and wake-up time", body=AlarmChoice, **changes),
            Operation(
                "POST", f"{root}/snooze", self.snooze_alarm, "Snooze the alarm of one kind", body=Snooze, **changes
            ),
            Operation(
                "POST",
                f"{root}/acknowledge",
                self.acknowledge_episodes,
                "Mark episodes as seen",
                body=Acknowledgement,
                **changes,
            ),
            Operation(
                "POST", f"{root}/night", self.start_or_end_night, "Start or end the night", body=NightStep, **changes
            ),
        ]

    def _sensor_operations(self) -> list[Operation]:
        sensor = "/api/v1/sensors/{sensor}"
        return [
            Operation(
                "PUT",
                sensor,
                self.set_label,
                "Set a sensor's name and placement",
                _SENSOR,
                body=SensorLabel,
                result=SensorLabel,
                refusals=(400, 404, 409),
            ),
            Operation(
                "DELETE",
                sensor,
                self.remove_label,
                "Return to a sensor's own name and placement",
                _SENSOR,
                status=204,
                refusals=(404,),
            ),
        ]

    async def run(self) -> None:
        """Remove snoozes when they have ended, until cancelled."""
        while True:
            await asyncio.sleep(_EXPIRY_CHECK_S)
            if self._alarms.expire(now_ns=time.time_ns()):
                await self._save_alarms()

    async def get_alarms(self, _request: Request) -> Response:
        """Return the state of the alarms."""
        return json_response(self._alarms.state)

    async def choose_alarms(self, request: Request) -> Response:
        """Choose the kinds with an alarm, and the wake-up time."""

        def change(choice: AlarmChoice) -> None:
            if choice.calls is not None:
                self._alarms.choose_kinds(choice.calls)
            if choice.wake_at is not None:
                self._alarms.set_wake_time(choice.wake_at)

        return await self._change_alarms(request, AlarmChoice, change)

    async def snooze_alarm(self, request: Request) -> Response:
        """Snooze the alarm of one kind."""

        def change(snooze: Snooze) -> None:
            self._alarms.snooze(snooze.kind, seconds=snooze.seconds, now_ns=time.time_ns())

        return await self._change_alarms(request, Snooze, change)

    async def acknowledge_episodes(self, request: Request) -> Response:
        """Mark episodes as seen: every open page stops alerting about them."""
        return await self._change_alarms(request, Acknowledgement, lambda body: self._alarms.acknowledge(body.episodes))

    async def start_or_end_night(self, request: Request) -> Response:
        """Start or end the night; a repeated start or end changes nothing and is not published again."""
        body: NightStep = await read_body(request, NightStep)
        now_ns = time.time_ns()
        is_new = self._alarms.start_night(now_ns=now_ns) if body.step == "begin" else self._alarms.end_night()
        if is_new:
            await self._marks.add(make_mark(body.step, t_ns=now_ns, origin=self._model.origin))
        await self._save_alarms()
        return json_response(self._alarms.state)

    async def set_label(self, request: Request) -> Response:
        """Set a sensor's name and placement."""
        sensor = request.path_params["sensor"]
        label = await read_body(request, SensorLabel)
        if sensor not in self._model.sensors and sensor not in self._labels:
            raise RefusedError(404, "There is no such sensor.", "no_sensor")
        if sensor not in self._labels and len(self._labels) >= MAX_LABELS:
            raise RefusedError(
                409, f"There are already {MAX_LABELS} named sensors; reset one of them first.", "too_many_names"
            )
        await self._save_labels({**self._labels, sensor: label})
        return json_response(label)

    async def remove_label(self, request: Request) -> Response:
        """Return to a sensor's own name and placement."""
        sensor = request.path_params["sensor"]
        if sensor not in self._labels:
            raise RefusedError(404, "You have not named this sensor.")
        await self._save_labels({name: label for name, label in self._labels.items() if name != sensor})
        return Response(status_code=204)

    async def get_system_report(self, _request: Request) -> Response:
        """Return the report on this machine."""
        return json_response(await run_in_threadpool(self._make_report))

    async def _change_alarms(self, request: Request, kind: type[Body], change: Callable[[Body], None]) -> Response:
        try:
            change(await read_body(request, kind))
        except ValueError as error:
            raise RefusedError(400, str(error)) from error
        await self._save_alarms()
        return json_response(self._alarms.state)

    async def _save_alarms(self) -> None:
        self._model.set_alarms(self._alarms.state)
        async with self._saving:
            await run_in_threadpool(self._folder.save_alarms, self._alarms.state)

    async def _save_labels(self, labels: dict[str, SensorLabel]) -> None:
        self._labels = labels
        self._model.set_labels(labels)
        async with self._saving:
            await run_in_threadpool(self._folder.save_labels, self._labels)
