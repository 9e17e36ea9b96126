"""Complete synthetic nights: session files as the collector writes them, and a store as the detector fills it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import numpy as np
from crampwatch.journal import SessionWriter
from crampwatch.protocol.frame import Frame, FrameFlag, encode_samples
from crampwatch.protocol.info import Capability, Info, RingState
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.messages import ChannelFeatures, Episode, Features, Message, Placement, SensorInfo, StreamInfo
from crampwatch.protocol.record_payloads import SyncExchange
from crampwatch.protocol.records import Record, RecordKind, SessionHead
from crampwatch.protocol.stream import SampleFormat, StreamDescription, StreamKind
from crampwatch.protocol.temperature import encode_temperature
from crampwatch.store.sqlite.store import SqliteStore
from numpy.typing import NDArray

__all__ = ["Contraction", "SyntheticNight"]

RATE_HZ: Final = 1000
FRAME: Final = 57
TICK_HZ: Final = 32_768
LSB_UV: Final = 0.25
STREAM: Final = StreamDescription(
    1, StreamKind.EMG, 2, SampleFormat.INT16, float(RATE_HZ), LSB_UV * 1e-6, 0.0, (20.0, 450.0), ("Arch", "Big toe")
)
_NAMESPACE: Final = UUID("5d3f1f6e-1a43-4f0f-9d41-5d8f7a1f0c11")
_MONO_NS: Final = 1_000_000_000_000
_S_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class Contraction:
    """A contraction of the muscle; times in seconds since the night's start."""

    onset_s: float
    lasts_s: float
    kind: EpisodeKind = EpisodeKind.CRAMP
    amplitude_uv: float = 60.0
    status: str = "final"


@dataclass
class SyntheticNight:
    """A night of one or two feet.

    Attributes:
        begin_ns: Start of the recording, UTC.
        gaps: Start and end of each time without samples, in seconds.
        feet: Sensor ids and their sides.
        ended: Whether the session ended; otherwise it was interrupted.
    """

    begin_ns: int
    length_s: float
    contractions: Sequence[Contraction] = ()
    gaps: Sequence[tuple[float, float]] = ()
    feet: Sequence[tuple[str, str]] = (("CW-LEFT", "left"),)
    origin: Origin = Origin.LIVE
    utc_offset_s: int = 0
    ended: bool = True
    _rest_uv: float = field(default=2.0, init=False)

    @property
    def session(self) -> str:
        return str(uuid5(_NAMESPACE, f"{self.begin_ns} {self.origin}"))

    def write_recording(self, folder: Path) -> Path:
        """Write the session file into a folder; return its path."""
        head = SessionHead(self.session, self.begin_ns, _MONO_NS, self.utc_offset_s, self.origin, "made up")
        writer = SessionWriter.create(folder, head)
        keys = [
            writer.add_sensor(name, name=name, address="C0:00:00:00:00:01", profile="cws", side=side, muscle="arch").key
            for name, side in self.feet
        ]
        writer.append([self._record(RecordKind.CONNECTED, key, 0.0, b"{}") for key in keys])
        writer.append([self._record(RecordKind.INFO, key, 0.0, self._info()) for key in keys])
        for number, key in enumerate(keys):
            batch: list[Record] = []
            for record in self._records(key, number):
                batch.append(record)
                if len(batch) == 20_000:
                    writer.append(batch)
                    batch = []
            writer.append(batch)
        writer.close(self.begin_ns + round(self.length_s * 1e9) if self.ended else None)
        return writer.path

    def write_store(self, path: Path, *, features: bool = True) -> None:
        """Write the episodes, and the features, into a store."""
        store = SqliteStore(path)
        store.write([self.info(foot) for foot in self.feet])
        store.write(self.episodes())
        if features:
            for foot, _ in self.feet:
                store.write(self._features(foot))
        store.close()

    def info(self, foot: tuple[str, str]) -> SensorInfo:
        emg = StreamInfo(
            stream=1, kind="emg", channels=2, rate_hz=RATE_HZ, lsb_uv=LSB_UV, band_hz=(20, 450), labels=STREAM.labels
        )
        return SensorInfo(
            sensor=foot[0],
            t_ns=self.begin_ns,
            origin=self.origin,
            session=self.session,
            name=foot[0],
            profile="cws",
            boot_id=7,
            streams=(emg,),
            started_ns=self.begin_ns,
            ended_ns=self.begin_ns + round(self.length_s * 1e9) if self.ended else None,
            utc_offset_s=self.utc_offset_s,
            placement=Placement(side=foot[1], muscle="arch"),  # type: ignore[arg-type] # one of three names
        )

    def episodes(self) -> list[Message]:
        return [self._episode(number, one) for number, one in enumerate(self.contractions)]

    def _episode(self, number: int, one: Contraction) -> Episode:
        foot = self.feet[number % len(self.feet)][0]
        onset_ns = self.begin_ns + round(one.onset_s * 1e9)
        first, end = round(one.onset_s * RATE_HZ), round((one.onset_s + one.lasts_s) * RATE_HZ)
        return Episode(
            sensor=foot,
            t_ns=onset_ns,
            origin=self.origin,
            id=f"{self.session[:8]}-{number:05d}",
            revision=1,
            status=one.status,  # type: ignore[arg-type] # one of the names
            kind=one.kind,
            session=self.session,
            boot_id=7,
            onset_ns=onset_ns,
            offset_ns=onset_ns + round(one.lasts_s * 1e9),
            onset_index=first,
            offset_index=end,
            detected_index=min(end, first + 2200),
            rate_hz=RATE_HZ,
            channels=(0, 1) if one.kind is EpisodeKind.MOVEMENT else (0,),
            confidence=0.93,
            peak=one.amplitude_uv * 1.6,
            unit="uV",
            reasons=("sustained for 5 s and longer", "one channel leads", "irregular firing, no movement around it"),
        )

    def _features(self, foot: str) -> Iterator[Features]:
        for begin in np.arange(0, self.length_s - 30, 30):
            steps = np.arange(300) * 0.1 + begin
            chance = np.random.default_rng([int(begin), 3])
            rows = self._envelope(steps) * (1 + 0.12 * chance.standard_normal(300))
            known = [not self._is_gap(float(at)) for at in steps]
            yield Features(
                sensor=foot,
                t_ns=self.begin_ns + round(float(begin) * 1e9),
                origin=self.origin,
                session=self.session,
                boot_id=7,
                first_index=round(float(begin) * RATE_HZ),
                step_samples=100,
                step_s=0.1,
                unit="uV",
                channels=tuple(self._channel(np.abs(rows) * share, known, share) for share in (1.0, 0.5)),
            )

    def _channel(self, values: NDArray[np.float64], known: list[bool], share: float) -> ChannelFeatures:
        def known_values(row: Sequence[float]) -> tuple[float | None, ...]:
            return tuple(value if is_known else None for value, is_known in zip(row, known, strict=True))

        envelope = known_values(values.tolist())
        return ChannelFeatures(
            rms=envelope,
            envelope=envelope,
            floor=known_values([1.9 * share] * len(known)),
            threshold=known_values([9.0 * share] * len(known)),
            median_hz=known_values([88.0] * len(known)),
        )

    def _envelope(self, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the muscle's amplitude in microvolts."""
        level = np.full(len(at_s), self._rest_uv)
        if not len(at_s):
            return level
        for one in self.contractions:
            if one.onset_s - 5 > at_s[-1] or one.onset_s + one.lasts_s + 5 < at_s[0]:
                continue
            rise = np.clip((at_s - one.onset_s) / min(1.0, one.lasts_s / 4), 0, 1)
            fall = np.clip((one.onset_s + one.lasts_s - at_s) / min(2.0, one.lasts_s / 3), 0, 1)
            level += one.amplitude_uv * np.minimum(rise, fall)
        return level

    def _is_gap(self, at_s: float) -> bool:
        return any(begin <= at_s < end for begin, end in self.gaps)

    def _records(self, key: int, number: int) -> Iterator[Record]:
        sequence = 0
        samples_per_piece = FRAME * 1000
        for first in range(0, round(self.length_s * RATE_HZ), samples_per_piece):
            counts = self._counts(first, samples_per_piece, number)
            for at in range(first, first + samples_per_piece, FRAME):
                arrives_s = (at + FRAME) / RATE_HZ + 0.012
                if arrives_s > self.length_s or self._is_gap(at / RATE_HZ):
                    continue
                sequence += 1
                payload = encode_samples(counts[at - first : at - first + FRAME], SampleFormat.INT16)
                ticks = math.floor(at / RATE_HZ * TICK_HZ) & 0xFFFFFFFF
                frame = Frame(1, FrameFlag(0), sequence & 0xFFFF, at & 0xFFFFFFFF, ticks, payload)
                yield self._record(RecordKind.DATA, key, arrives_s, frame.encode())
            yield from self._other_records(key, number, first / RATE_HZ)

    def _other_records(self, key: int, number: int, at_s: float) -> Iterator[Record]:
        celsius = 31.5 - 1.5 * number + 1.5 * math.sin(at_s / 4000)
        yield self._record(RecordKind.TEMPERATURE, key, at_s, encode_temperature(celsius))
        exchange = SyncExchange(
            before_ns=_MONO_NS + round((at_s - 0.01) * 1e9),
            after_ns=_MONO_NS + round((at_s + 0.01) * 1e9),
            ticks=math.floor(at_s * TICK_HZ) & 0xFFFFFFFF,
            index=round(at_s * RATE_HZ) & 0xFFFFFFFF,
        )
        yield self._record(RecordKind.SYNC, key, at_s + 0.01, exchange.encode())

    def _counts(self, first: int, samples: int, number: int) -> NDArray[np.int32]:
        chance = np.random.default_rng([first, number])
        at_s = (first + np.arange(samples)) / RATE_HZ
        noise = chance.standard_normal((samples + 2, 2))
        muscle = (noise[2:] - 0.6 * noise[:-2])[:, :2]
        values = muscle * self._envelope(at_s)[:, None] * np.array([1.0, 0.5])
        values += (60 * np.sin(2 * np.pi * 0.07 * at_s))[:, None]
        return np.asarray(np.clip(np.rint(values / LSB_UV), -32_000, 32_000), np.int32)

    def _record(self, kind: RecordKind, key: int, at_s: float, payload: bytes) -> Record:
        at_ns = round(at_s * 1e9)
        return Record(0, key, kind, _MONO_NS + at_ns, self.begin_ns + at_ns, payload)

    def _info(self) -> bytes:
        capability = {Origin.DEMO: Capability.SIMULATED, Origin.REPLAY: Capability.REPLAY}
        return Info(
            capability.get(self.origin, Capability(0)), 7, TICK_HZ, (STREAM,), (RingState(600_000, 0, 0),), (FRAME,)
        ).encode()
