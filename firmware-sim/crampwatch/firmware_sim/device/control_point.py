"""The Control characteristic: decodes requests, refuses malformed ones, and calls the sensor for the others."""

import struct
from typing import Final, Protocol

from crampwatch.protocol.control import (
    Backfill,
    Opcode,
    Reply,
    Request,
    RingReport,
    SettingKey,
    Status,
    SyncReply,
    streams_in,
)
from crampwatch.protocol.errors import FrameError

__all__ = ["ControlPoint", "Refused", "SensorActions"]

_LONGEST_NAME: Final = 20
"""Bytes (docs/protocol.md, SET)."""
_LONGEST_INTERVAL_S: Final = 3600
"""Seconds between temperatures (docs/protocol.md, SET)."""
_SYNC_LENGTHS: Final = (0, 8)
"""Nothing, or the time of the host, which is ignored: the clock of the sensor is never set."""


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Raised for a request that is answered with a status other than success.

    Args:
        status: Any but SUCCESS.
    """

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class SensorActions(Protocol):
    """What the control point calls on a sensor. Every method may raise :class:`Refused`."""

    @property
    def streams(self) -> frozenset[int]:
        """Numbers of the streams."""

    def ring_report(self, now_s: float) -> RingReport:
        """Return boot id, ticks and rings."""

    def sync(self, now_s: float) -> SyncReply:
        """Return ticks and the next index."""

    def start(self, now_s: float) -> None:
        """Start streaming."""

    def stop(self) -> None:
        """Stop streaming."""

    def set_name(self, name: str) -> None:
        """Change the advertised name."""

    def set_temperature_interval(self, interval_s: int) -> None:
        """Notify the temperature at this interval."""

    def start_backfill(self, token: int, asked: Backfill) -> Backfill:
        """Start to send stored samples; return the range that will be sent."""

    def abort_backfill(self) -> Reply:
        """Stop sending; return the indication that reports it."""

    def set_self_test(self, now_s: float, on: bool) -> None:
        """Switch to the test signal, or back to the real one."""


class ControlPoint:
    """Answers requests by calling a sensor."""

    def __init__(self, sensor: SensorActions) -> None:
        self._sensor = sensor
        self._handlers = {
            Opcode.INFO: self._on_info,
            Opcode.START: self._on_start,
            Opcode.STOP: self._on_stop,
            Opcode.SYNC: self._on_sync,
            Opcode.SET: self._on_set,
            Opcode.BACKFILL: self._on_backfill,
            Opcode.IDENTIFY: self._on_identify,
            Opcode.SELF_TEST: self._on_self_test,
        }

    def answer(self, now_s: float, request: Request) -> list[Reply]:
        """Return the replies to indicate: one, or two for an abort, which also ends the backfill."""
        if request.opcode not in set(Opcode):
            return [Reply(request.opcode, request.token, Status.UNKNOWN_OPCODE)]
        try:
            if request.opcode == Opcode.ABORT:
                return self._on_abort(request)
            params = self._handlers[Opcode(request.opcode)](now_s, request)
        except Refused as refused:
            return [Reply(request.opcode, request.token, refused.status)]
        return [Reply(request.opcode, request.token, Status.SUCCESS, params)]

    def _on_info(self, now_s: float, request: Request) -> bytes:
        _require(not request.params)
        return self._sensor.ring_report(now_s).encode()

    def _on_start(self, now_s: float, request: Request) -> bytes:
        self._check_mask(request.params)
        self._sensor.start(now_s)
        return b""

    def _on_stop(self, _now_s: float, request: Request) -> bytes:
        self._check_mask(request.params)
        self._sensor.stop()
        return b""

    def _on_sync(self, now_s: float, request: Request) -> bytes:
        _require(len(request.params) in _SYNC_LENGTHS)
        return self._sensor.sync(now_s).encode()

    def _on_set(self, _now_s: float, request: Request) -> bytes:
        _require(len(request.params) >= 1)
        key, value = request.params[0], request.params[1:]
        if key == SettingKey.NAME:
            _require(1 <= len(value) <= _LONGEST_NAME)
            self._sensor.set_name(_text(value))
        elif key == SettingKey.TEMPERATURE_INTERVAL:
            _require(len(value) == 2)
            interval_s = struct.unpack("<H", value)[0]
            _require(1 <= interval_s <= _LONGEST_INTERVAL_S, Status.BAD_PARAMETER)
            self._sensor.set_temperature_interval(interval_s)
        else:
            raise Refused(Status.BAD_PARAMETER)
        return b""

    def _on_backfill(self, _now_s: float, request: Request) -> bytes:
        try:
            asked = Backfill.decode(request.params)
        except FrameError as error:
            raise Refused(Status.BAD_LENGTH) from error
        _require(asked.stream in self._sensor.streams and asked.count > 0, Status.BAD_PARAMETER)
        return self._sensor.start_backfill(request.token, asked).encode()

    def _on_identify(self, _now_s: float, request: Request) -> bytes:
        _require(not request.params)
        return b""

    def _on_self_test(self, now_s: float, request: Request) -> bytes:
        _require(len(request.params) == 1)
        _require(request.params[0] <= 1, Status.BAD_PARAMETER)
        self._sensor.set_self_test(now_s, bool(request.params[0]))
        return b""

    def _on_abort(self, request: Request) -> list[Reply]:
        _require(not request.params)
        done = self._sensor.abort_backfill()
        return [Reply(request.opcode, request.token, Status.SUCCESS), done]

    def _check_mask(self, params: bytes) -> None:
        try:
            named = streams_in(params)
        except FrameError as error:
            raise Refused(Status.BAD_LENGTH) from error
        is_ours = bool(named) and set(named) <= self._sensor.streams and not params[0] & 1
        _require(is_ours, Status.BAD_PARAMETER)


def _require(is_so: bool, otherwise: Status = Status.BAD_LENGTH) -> None:
    if not is_so:
        raise Refused(otherwise)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Refused(Status.BAD_PARAMETER) from error
