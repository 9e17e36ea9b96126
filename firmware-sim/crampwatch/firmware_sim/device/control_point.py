"""The Control characteristic: takes requests apart, refuses misuse, and asks the sensor for the rest."""

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
_LONGEST_INTERVAL_S: Final = 3600
_SYNC_LENGTHS: Final = (0, 8)
"""Nothing, or the host's time, which is ignored: the sensor's clock is never set."""


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A request that is answered with a status other than success.

    Args:
        status: That status.
    """

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class SensorActions(Protocol):
    """What a sensor can be asked to do. Any of them may raise :class:`Refused`."""

    @property
    def streams(self) -> frozenset[int]:
        """The numbers of its streams."""

    def ring_report(self, now_s: float) -> RingReport:
        """Return boot id, ticks and rings."""

    def sync(self, now_s: float) -> SyncReply:
        """Return ticks and the next index."""

    def start(self, now_s: float) -> None:
        """Let streams run."""

    def stop(self) -> None:
        """Let streams rest."""

    def set_name(self, name: str) -> None:
        """Advertise another name."""

    def set_temperature_interval(self, interval_s: int) -> None:
        """Notify the temperature that often."""

    def begin_backfill(self, token: int, asked: Backfill) -> Backfill:
        """Begin to send stored samples; returns what will be sent."""

    def abort_backfill(self) -> Reply:
        """End it; returns the indication that says so."""

    def set_self_test(self, now_s: float, on: bool) -> None:
        """Send the test signal, or the true one again."""


class ControlPoint:
    """Answers requests.

    Args:
        sensor: Whom to ask.
    """

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
        """Return what to indicate: the reply, and for an abort the end of the backfill after it."""
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
        _expect(not request.params)
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
        _expect(len(request.params) in _SYNC_LENGTHS)
        return self._sensor.sync(now_s).encode()

    def _on_set(self, _now_s: float, request: Request) -> bytes:
        _expect(len(request.params) >= 1)
        key, value = request.params[0], request.params[1:]
        if key == SettingKey.NAME:
            _expect(1 <= len(value) <= _LONGEST_NAME)
            self._sensor.set_name(_text(value))
        elif key == SettingKey.TEMPERATURE_INTERVAL:
            _expect(len(value) == 2)
            interval_s = struct.unpack("<H", value)[0]
            _expect(1 <= interval_s <= _LONGEST_INTERVAL_S, Status.BAD_PARAMETER)
            self._sensor.set_temperature_interval(interval_s)
        else:
            raise Refused(Status.BAD_PARAMETER)
        return b""

    def _on_backfill(self, _now_s: float, request: Request) -> bytes:
        try:
            asked = Backfill.decode(request.params)
        except FrameError as error:
            raise Refused(Status.BAD_LENGTH) from error
        _expect(asked.stream in self._sensor.streams and asked.count > 0, Status.BAD_PARAMETER)
        return self._sensor.begin_backfill(request.token, asked).encode()

    def _on_identify(self, _now_s: float, request: Request) -> bytes:
        _expect(not request.params)
        return b""

    def _on_self_test(self, now_s: float, request: Request) -> bytes:
        _expect(len(request.params) == 1)
        _expect(request.params[0] <= 1, Status.BAD_PARAMETER)
        self._sensor.set_self_test(now_s, bool(request.params[0]))
        return b""

    def _on_abort(self, request: Request) -> list[Reply]:
        _expect(not request.params)
        done = self._sensor.abort_backfill()
        return [Reply(request.opcode, request.token, Status.SUCCESS), done]

    def _check_mask(self, params: bytes) -> None:
        try:
            named = streams_in(params)
        except FrameError as error:
            raise Refused(Status.BAD_LENGTH) from error
        is_ours = bool(named) and set(named) <= self._sensor.streams and not params[0] & 1
        _expect(is_ours, Status.BAD_PARAMETER)


def _expect(is_so: bool, otherwise: Status = Status.BAD_LENGTH) -> None:
    if not is_so:
        raise Refused(otherwise)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Refused(Status.BAD_PARAMETER) from error
