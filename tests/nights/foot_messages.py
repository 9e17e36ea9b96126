"""Messages for tests of the page: feet with a synthetic signal."""

import time
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID, uuid5

import numpy as np
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import EpisodeKind, Origin, Quality
from crampwatch.protocol.messages import (
    Battery,
    ChannelFeatures,
    Episode,
    Features,
    Link,
    Notice,
    Placement,
    SensorInfo,
    SensorState,
    StreamInfo,
    Temperature,
)
from crampwatch.protocol.reasons import Reason
from numpy.typing import NDArray

RATE_HZ: Final = 1000.0
LSB_V: Final = 1e-7
STEP_SAMPLES: Final = 100
BLOCK_SAMPLES: Final = 100
_HOUR_NS: Final = 3_600_000_000_000
_NAMESPACE: Final = UUID("9b2f6a6e-6f0e-4f0b-9d5c-3a7d5f1f9f10")


@dataclass
class Foot:
    """A foot with two channels at 1 kHz, and its messages.

    Attributes:
        sensor: Id of the sensor.
        muscle: Name of the muscle.
        origin: Origin of all its messages.
        start_ns: When sample 0 was taken, UTC.
        index: Index of the next sample.
        amplitude_uv: Strength of the muscle's signal.
    """

    sensor: str
    side: str = "left"
    muscle: str = "arch"
    origin: Origin = Origin.LIVE
    start_ns: int = field(default_factory=time.time_ns)
    boot_id: int = 1
    index: int = 0
    amplitude_uv: float = 2.0

    @property
    def session(self) -> UUID:
        return uuid5(_NAMESPACE, f"{self.sensor} {self.boot_id}")

    @property
    def now_ns(self) -> int:
        """When its next sample is taken, UTC."""
        return self.utc_ns(self.index)

    def utc_ns(self, index: int) -> int:
        return self.start_ns + round(index / RATE_HZ * 1e9)

    def skip(self, seconds: float) -> None:
        """Skip samples, as if they were lost."""
        self.index += round(seconds * RATE_HZ)

    def info(self, *, ended_ns: int | None = None) -> SensorInfo:
        emg = StreamInfo(
            stream=1,
            kind="emg",
            channels=2,
            rate_hz=RATE_HZ,
            lsb_uv=LSB_V * 1e6,
            band_hz=(20, 450),
            labels=("Arch", "Big toe"),
        )
        return SensorInfo(
            sensor=self.sensor,
            t_ns=self.now_ns,
            origin=self.origin,
            session=str(self.session),
            name=self.sensor,
            profile="cws-1",
            boot_id=self.boot_id,
            streams=(emg,),
            started_ns=self.start_ns,
            ended_ns=ended_ns,
            utc_offset_s=0,
            placement=Placement(side=self.side, muscle=self.muscle),  # type: ignore[arg-type] # one of three names
        )

    def state(self, state: str, *faults: tuple[Quality, ...]) -> SensorState:
        return SensorState(
            sensor=self.sensor,
            t_ns=self.now_ns,
            origin=self.origin,
            state=state,  # type: ignore[arg-type] # one of the names
            session=str(self.session),
            quality=faults or ((), ()),
        )

    def temperature(self, celsius: float) -> Temperature:
        return Temperature(sensor=self.sensor, t_ns=self.now_ns, origin=self.origin, celsius=celsius)

    def battery(self, percent: int, *, hours: int) -> Battery:
        empty_ns = self.now_ns + hours * _HOUR_NS
        return Battery(sensor=self.sensor, t_ns=self.now_ns, origin=self.origin, percent=percent, empty_at_ns=empty_ns)

    def link(self, *, rssi_dbm: int = -58, lost: int = 0, backfilled: int = 0) -> Link:
        return Link(
            sensor=self.sensor,
            t_ns=self.now_ns,
            origin=self.origin,
            connected=True,
            rssi_dbm=rssi_dbm,
            received_samples=self.index,
            lost_samples=lost,
            backfilled_samples=backfilled,
        )

    def signal(self, samples: int) -> NDArray[np.float64]:
        """Return microvolts, shape (samples, 2): noise whose strength varies 1.4 times a second during a cramp."""
        chance = np.random.default_rng([self.index, samples])
        t_s = (self.index + np.arange(samples)) / RATE_HZ
        sway = 1 + 0.5 * np.sin(2 * np.pi * 1.4 * t_s) * (self.amplitude_uv > 5)
        noise = chance.standard_normal((samples, 2)) * np.array([1.0, 0.55])
        drift = 300 * np.sin(2 * np.pi * 0.05 * t_s)
        return np.asarray(noise * self.amplitude_uv * sway[:, None] + drift[:, None], np.float64)

    def block(self, samples: int = BLOCK_SAMPLES, *, spike_uv: float = 0.0) -> SampleBlock:
        """Return the next samples; ``spike_uv`` is added to the middle one of channel 0."""
        values = self.signal(samples)
        values[samples // 2, 0] += spike_uv
        flag = {Origin.DEMO: BlockFlag.SIMULATED, Origin.REPLAY: BlockFlag.REPLAY}.get(self.origin, BlockFlag(0))
        block = SampleBlock(
            self.session,
            self.boot_id,
            1,
            flag,
            self.index,
            self.now_ns,
            RATE_HZ,
            LSB_V,
            np.rint(values / (LSB_V * 1e6)).astype(np.int32),
        )
        self.index += samples
        return block

    def features(self, steps: int = 3) -> Features:
        """Return the features of the last steps."""
        first = self.index - steps * STEP_SAMPLES
        chance = np.random.default_rng([first, 7])

        def channel(share: float) -> ChannelFeatures:
            envelope = self.amplitude_uv * share * (1 + 0.15 * chance.standard_normal(steps))
            row = tuple(float(value) for value in np.abs(envelope))
            return ChannelFeatures(
                rms=row,
                envelope=row,
                floor=(1.9 * share,) * steps,
                threshold=(9.0 * share + 1,) * steps,
                median_hz=(90.0,) * steps,
            )

        return Features(
            sensor=self.sensor,
            t_ns=self.utc_ns(first),
            origin=self.origin,
            session=str(self.session),
            boot_id=self.boot_id,
            first_index=max(first, 0),
            step_samples=STEP_SAMPLES,
            step_s=STEP_SAMPLES / RATE_HZ,
            unit="uV",
            channels=(channel(1.0), channel(0.55)),
        )

    def episode(
        self,
        key: str,
        kind: EpisodeKind = EpisodeKind.CRAMP,
        *,
        status: str = "opened",
        revision: int = 0,
        ago_s: float = 0.0,
        lasts_s: float | None = None,
        peak_uv: float = 64.0,
        reasons: tuple[str, ...] = ("sustained for 5 s", "one channel leads", "irregular firing"),
        why: tuple[Reason, ...] = (),
    ) -> Episode:
        """Return an episode that started ``ago_s`` before the next sample."""
        onset_ns = self.now_ns - round(ago_s * 1e9)
        onset = max(self.index - round(ago_s * RATE_HZ), 0)
        return Episode(
            sensor=self.sensor,
            t_ns=self.now_ns,
            origin=self.origin,
            id=f"{self.sensor}-{key}",
            revision=revision,
            status=status,  # type: ignore[arg-type] # one of the names
            kind=kind,
            session=str(self.session),
            boot_id=self.boot_id,
            onset_ns=onset_ns,
            offset_ns=None if lasts_s is None else onset_ns + round(lasts_s * 1e9),
            onset_index=onset,
            offset_index=None if lasts_s is None else onset + round(lasts_s * RATE_HZ),
            detected_index=self.index,
            rate_hz=RATE_HZ,
            channels=(0, 1) if kind is EpisodeKind.MOVEMENT else (0,),
            confidence=0.93,
            peak=peak_uv,
            unit="uV",
            reasons=tuple(reason.text for reason in why) or reasons,
            why=why,
        )

    def notice(self, code: str, text: str, *, severity: str = "warning") -> Notice:
        return Notice(
            sensor=self.sensor,
            t_ns=self.now_ns,
            origin=self.origin,
            id=f"{self.sensor}-{code}-{self.index}",
            severity=severity,  # type: ignore[arg-type] # one of the names
            code=code,  # type: ignore[arg-type] # one of the names
            text=text,
        )


def as_backfill(block: SampleBlock) -> SampleBlock:
    """Return a block as if it came from the sensor's memory, after a lost connection."""
    return replace(block, flags=block.flags | BlockFlag.STORED)
