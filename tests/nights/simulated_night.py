"""A short simulated night as the broker carries it: samples, the detector's results, and what a collector adds."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import numpy as np
from crampwatch.detector.service.stream_analysis import LiveAnalysis
from crampwatch.firmware_sim.scenarios import scenario
from crampwatch.protocol import messages
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.topics import Leaf, Topic
from crampwatch.recordings.truth import TruthEvent
from numpy.typing import NDArray

S_NS = 1_000_000_000
SESSION = UUID("5a1c0e00-0000-4000-8000-0000000000ab")
BOOT = 77
LENGTH_S = 720
QUIET_S = 60
LSB_UV = 0.25
_LEAVES = {kind: leaf for leaf, kind in messages.MESSAGE_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication: when, on what topic, and what."""

    t_ns: int
    sensor: str
    leaf: Leaf
    payload: bytes

    @property
    def topic(self) -> str:
        return str(Topic(self.sensor, self.leaf))


@dataclass(frozen=True, slots=True)
class Night:
    """The publications of a night, and its truth.

    Attributes:
        publications: All publications in order of time.
        results: The detector's messages.
        counts: Samples of the left foot, int32, shape (samples, channels).
        truth: What really happens on the left foot.
    """

    publications: tuple[Publication, ...]
    results: tuple[messages.Message, ...]
    counts: NDArray[np.int32]
    truth: tuple[TruthEvent, ...]
    begin_ns: int
    end_ns: int

    @property
    def episodes(self) -> dict[str, messages.Episode]:
        """The newest revision of each episode, without retracted ones."""
        newest = {one.id: one for one in self.results if isinstance(one, messages.Episode)}
        return {key: one for key, one in newest.items() if one.status != "retracted"}


@cache
def simulated_night() -> Night:
    """Return a left foot's night with a cramp every three minutes, and a right one's quiet minute; it ends now."""
    end_ns = time.time_ns() // S_NS * S_NS
    begin_ns = end_ns - LENGTH_S * S_NS
    source = scenario("cramp", seed=3)
    counts = foot_counts("cramp", LENGTH_S)
    publications: list[Publication] = []
    results: list[messages.Message] = []
    for sensor, foot in (("CW-LEFT", counts), ("CW-RIGHT", foot_counts("quiet", QUIET_S))):
        analysed = list(_analyse(sensor, foot, begin_ns))
        results += [one for _, one in analysed]
        publications += [_publication(sensor, t_ns, one) for t_ns, one in analysed]
        publications += [
            Publication(one.t_ns, sensor, _LEAVES[type(one)], messages.encode(one))
            for one in _other_messages(sensor, begin_ns)
        ]
        publications += [
            Publication(block.first_utc_ns, sensor, Leaf.SAMPLES, block.encode()) for block in _blocks(foot, begin_ns)
        ]
    publications.sort(key=lambda one: (one.t_ns, one.leaf is not Leaf.INFO))
    # A collector publishes the end last, whatever the times of earlier messages.
    ends = {"CW-RIGHT": begin_ns + QUIET_S * S_NS, "CW-LEFT": end_ns}
    publications += [
        Publication(end_ns, sensor, Leaf.INFO, messages.encode(info(sensor, begin_ns, ended_ns=ended_ns)))
        for sensor, ended_ns in ends.items()
    ]
    truth = tuple(event for event in source.truth if event.onset_s < LENGTH_S)
    return Night(tuple(publications), tuple(results), counts, truth, begin_ns, end_ns)


def foot_counts(name: str, length_s: int, *, seed: int = 3) -> NDArray[np.int32]:
    """Return the samples of a simulated foot, int32, shape (samples, channels)."""
    samples_uv = np.nan_to_num(scenario(name, seed=seed).read(0, length_s * 1000))
    return np.clip(np.rint(samples_uv / LSB_UV), -32768, 32767).astype(np.int32)


def _publication(sensor: str, t_ns: int, message: messages.Message) -> Publication:
    return Publication(t_ns, sensor, _LEAVES[type(message)], messages.encode(message))


def _blocks(counts: NDArray[np.int32], begin_ns: int) -> Iterator[SampleBlock]:
    for at in range(0, len(counts), 1000):
        utc_ns = begin_ns + at * 1_000_000
        part = counts[at : at + 1000]
        yield SampleBlock(SESSION, BOOT, 1, BlockFlag.SIMULATED, at, utc_ns, 1000.0, LSB_UV * 1e-6, part)


def _analyse(sensor: str, counts: NDArray[np.int32], begin_ns: int) -> Iterator[tuple[int, messages.Message]]:
    """Yield the detector's messages, and when it sends them."""
    blocks = list(_blocks(counts, begin_ns))
    analysis = LiveAnalysis(info(sensor, begin_ns), blocks[0])
    for block in blocks:
        now_ns = block.first_utc_ns + S_NS
        yield from ((now_ns, one) for one in analysis.push(block))
    last_ns = blocks[-1].first_utc_ns + S_NS
    yield from ((last_ns, one) for one in [*analysis.finish(), *analysis.flush()])


def info(sensor: str, begin_ns: int, *, ended_ns: int | None = None) -> messages.SensorInfo:
    """Return a sensor's info message."""
    stream = messages.StreamInfo(
        stream=1, kind="emg", channels=2, rate_hz=1000.0, lsb_uv=LSB_UV, band_hz=(10.0, 450.0), labels=("a", "b")
    )
    return messages.SensorInfo(
        sensor=sensor,
        t_ns=begin_ns if ended_ns is None else ended_ns,
        origin=Origin.DEMO,
        session=str(SESSION),
        name=sensor,
        profile="cws",
        boot_id=BOOT,
        streams=(stream,),
        started_ns=begin_ns,
        ended_ns=ended_ns,
        utc_offset_s=3600,
        placement=messages.Placement(side="left" if sensor == "CW-LEFT" else "right", muscle="arch"),
    )


def _other_messages(sensor: str, begin_ns: int) -> Iterator[messages.Message]:
    """Yield what collector and wearer publish in a night."""
    length_s = LENGTH_S if sensor == "CW-LEFT" else QUIET_S
    end_ns = begin_ns + length_s * S_NS
    yield info(sensor, begin_ns)
    for at_s in range(0, length_s, 10):
        t_ns = begin_ns + at_s * S_NS
        yield messages.Temperature(sensor=sensor, t_ns=t_ns, origin=Origin.DEMO, celsius=30.0 + at_s / 1000)
        yield messages.Link(
            sensor=sensor,
            t_ns=t_ns,
            origin=Origin.DEMO,
            connected=True,
            rssi_dbm=-60,
            received_samples=at_s * 1000,
            lost_samples=at_s,
            backfilled_samples=2 * at_s,
            reconnects=1,
        )
    last: dict[str, Any] = {"sensor": sensor, "t_ns": end_ns - 60 * S_NS, "origin": Origin.DEMO}
    yield messages.Battery(percent=9, empty_at_ns=end_ns + 3600 * S_NS, **last)
    yield messages.ServiceStatus(online=True, service="collector", **last)
    yield messages.Notice(id=f"{sensor}-silent", severity="warning", code="sensor_silent", text="No data", **last)
    yield messages.Notice(id=f"{sensor}-long", severity="alarm", code="long_cramp", text="Ten minutes", **last)
    yield messages.JournalEntry(id=f"{sensor}-coffee", entry="factor", text="coffee", value=1.0, **last)
