"""Nights are put together from recordings, stores and the wearer's notes, within their limits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.errors import UnavailableError
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.messages import Episode, JournalEntry, SensorInfo
from crampwatch.protocol.records import SessionSensor
from crampwatch.store.model.series import Series
from crampwatch.web.night.bedtime import make_mark
from crampwatch.web.night.model.pyramid import Pyramid
from crampwatch.web.night.model.signal import BootSignal, Knots
from crampwatch.web.night.reader import SensorNight
from crampwatch.web.night.recordings import Recording, Recordings
from crampwatch.web.night.repository import NightRepository
from crampwatch.web.night.sensors import RecordedSensors
from crampwatch.web.night.sessions import NightSession, merge_sessions
from nights.stored_messages import S_NS, T0_NS, episode, info

MINUTE_NS, DAY_NS = 60 * S_NS, 86_400 * S_NS


class MemoryStore:
    """A store in memory that counts how often it is asked for episodes."""

    def __init__(self, infos: Sequence[SensorInfo] = (), episodes: Sequence[Episode] = ()) -> None:
        self.infos, self.all_episodes = list(infos), list(episodes)
        self.entries: list[JournalEntry] = []
        self.journal_since_ns: list[int] = []
        self.counts = 0
        self.is_broken = False

    def episodes(
        self, *, since_ns: int = 0, until_ns: int = 0, session: str | None = None, with_retracted: bool = False
    ) -> list[Episode]:
        del until_ns, with_retracted
        if self.is_broken:
            raise UnavailableError("The store is away.")
        self.counts += session is None
        return [
            one for one in self.all_episodes if one.session == session or (session is None and one.t_ns >= since_ns)
        ]

    def journal(self, *, since_ns: int = 0) -> list[JournalEntry]:
        self.journal_since_ns.append(since_ns)
        return self.entries

    def sessions(self) -> list[SensorInfo]:
        return self.infos

    def series(self, sensor: str, measurement: str, *, since_ns: int, until_ns: int, max_points: int = 2000) -> Series:
        raise UnavailableError(f"{sensor} has no {measurement} in {since_ns} to {until_ns} ({max_points}).")


def night_session(*, ended_ns: int | None = None, last_ns: int = T0_NS) -> NightSession:
    return NightSession("s", Origin.LIVE, T0_NS, last_ns, ended_ns, 0, None)


@pytest.mark.parametrize(("silent_ns", "is_running"), [(10 * MINUTE_NS - 1, True), (10 * MINUTE_NS, False)])
def test_a_session_without_records_for_ten_minutes_was_interrupted(silent_ns: int, is_running: bool) -> None:
    assert night_session().is_running(T0_NS + silent_ns) is is_running
    assert not night_session(ended_ns=T0_NS).is_running(T0_NS)


def test_a_session_that_only_a_store_knows_has_ended() -> None:
    (session,) = merge_sessions([], [info(ended_ns=None)])
    assert session.path is None
    assert session.ended_ns == session.last_ns


@pytest.mark.parametrize(("age_ns", "counts"), [(DAY_NS, 2), (DAY_NS + 1, 1)])
def test_episodes_are_counted_again_until_a_day_after_the_session(age_ns: int, counts: int) -> None:
    ended_ns = T0_NS + 60 * MINUTE_NS
    store = MemoryStore([info(ended_ns=ended_ns)], [episode(1, status="final")])
    repository = NightRepository(Recordings(()), [store], clock_ns=lambda: ended_ns + age_ns)
    for _ in range(2):
        assert repository.nights()[0].kinds == {"cramp": 1}
    assert store.counts == counts


def test_retracted_episodes_are_not_counted_and_the_longest_cramp_is_the_longest() -> None:
    found = [
        episode(1, offset_ns=T0_NS + MINUTE_NS + 5 * S_NS),
        episode(2, offset_ns=T0_NS + 2 * MINUTE_NS + 9 * S_NS),
        episode(3, status="retracted"),
        episode(4, kind=EpisodeKind.TWITCH, offset_ns=T0_NS + 4 * MINUTE_NS + 60 * S_NS),
    ]
    (row,) = NightRepository(Recordings(()), [MemoryStore([info()], found)]).nights()
    assert row.kinds == {"cramp": 2, "twitch": 1}
    assert row.longest_cramp_ns == 9 * S_NS


def test_the_wearer_may_start_the_night_twelve_hours_before_the_first_sensor() -> None:
    store = MemoryStore([info(ended_ns=T0_NS + 60 * MINUTE_NS)])
    repository = NightRepository(Recordings(()), [store])
    (row,) = repository.nights()
    store.entries = [make_mark("begin", t_ns=T0_NS + MINUTE_NS, origin=row.origin)]
    night = repository.night(row.night)
    assert night is not None
    assert night.said is not None
    assert (night.said.from_ns, night.said.to_ns) == (T0_NS + MINUTE_NS, None)
    assert min(store.journal_since_ns) == row.from_ns - 43_200 * S_NS


def test_a_start_after_everything_recorded_is_no_night() -> None:
    store = MemoryStore([info(ended_ns=T0_NS + MINUTE_NS)])
    repository = NightRepository(Recordings(()), [store])
    (row,) = repository.nights()
    store.entries = [make_mark("begin", t_ns=row.to_ns, origin=row.origin)]
    night = repository.night(row.night)
    assert night is not None
    assert night.said is None


def test_a_thousand_recent_notes_are_remembered() -> None:
    store = MemoryStore([info()], [episode(1)])
    repository = NightRepository(Recordings(()), [store])
    (row,) = repository.nights()
    pain = JournalEntry(
        sensor="left", t_ns=T0_NS, origin=Origin.DEMO, id="p", entry="pain", value=7.0, episode=episode(1).id
    )
    other = JournalEntry(sensor="left", t_ns=T0_NS, origin=Origin.DEMO, id="n", entry="note", text="x")
    for others, pain_shown in ((999, 7), (1000, None)):
        repository.add_entries([pain, *[other] * others])
        found = repository.episode(row.night, episode(1).id)
        assert found is not None
        assert found[1].pain == pain_shown


def test_why_a_store_could_not_be_read_is_shown_if_there_are_no_episodes() -> None:
    broken = MemoryStore([info()])
    broken.is_broken = True
    repository = NightRepository(Recordings(()), [broken])
    (row,) = repository.nights()
    night = repository.night(row.night)
    assert night is not None
    assert night.problems == ["deleted", "The store is away."]
    with_another = NightRepository(Recordings(()), [broken, MemoryStore([info()], [episode(1)])])
    night = with_another.night(row.night)
    assert night is not None
    assert night.problems == ["deleted"]


def test_neighbouring_nights_have_the_same_origin() -> None:
    infos = [
        info(session=f"{day}{origin}", started_ns=T0_NS + day * DAY_NS, t_ns=T0_NS + day * DAY_NS, origin=origin)
        for day in range(3)
        for origin in (Origin.LIVE, Origin.DEMO)
    ]
    repository = NightRepository(Recordings(()), [MemoryStore(infos)])
    names = sorted(row.night for row in repository.nights() if row.origin is Origin.LIVE)
    nights = [repository.night(name) for name in names]
    assert [(night.before, night.after) for night in nights if night] == [
        (None, names[1]),
        (names[0], names[2]),
        (names[1], None),
    ]


class OneRecording(Recordings):
    """Recordings of which one has been read: a sensor with samples in some ranges of milliseconds."""

    def __init__(self, ranges_ms: Sequence[tuple[int, int]], temperatures: int = 0) -> None:
        super().__init__(())
        sensor = SensorNight(SessionSensor(1, "CW", "", "", "cws", "left", "arch"))
        signal = BootSignal("CW", 1, 1, 2, 1000.0, 2, "uV", (), Pyramid(2))
        for start, end in ranges_ms:
            signal.frames.extend((start, end - start, 0, 1, 0))
        end = ranges_ms[-1][1]
        signal.knots = Knots(np.array([0, end]), np.array([T0_NS, T0_NS + end * 1_000_000]), 1000.0)
        sensor.signals = [signal]
        sensor.temperature = [(T0_NS + at * S_NS, 31.0) for at in range(temperatures)]
        self._recording = Recording({"CW": sensor}, 1.0)

    def recording(self, path: Path) -> Recording:
        del path
        return self._recording


def recorded_sensors(recordings: Recordings) -> RecordedSensors:
    return RecordedSensors(recordings, [NightSession("s", Origin.LIVE, T0_NS, T0_NS, T0_NS, 0, Path("s.cws"))])


def test_a_gap_of_up_to_three_milliseconds_is_a_clock_correction() -> None:
    recorded = recorded_sensors(OneRecording([(0, 100), (103, 200), (204, 300)]))
    (sensor,) = recorded.sensors((T0_NS, T0_NS + 300_000_000))
    assert sensor.gaps_ns == [(T0_NS + 200_000_000, T0_NS + 204_000_000)]
    assert sensor.recorded_s == pytest.approx(0.293)


def test_the_longest_two_thousand_gaps_are_shown_in_order_of_time() -> None:
    ranges = [(at * 100, at * 100 + 50) for at in range(2001)]
    recorded = recorded_sensors(OneRecording([*ranges, (300_000, 300_001)]))
    (sensor,) = recorded.sensors((T0_NS, T0_NS + 300_001_000_000))
    assert len(sensor.gaps_ns) == 2000
    assert sensor.gaps_ns == sorted(sensor.gaps_ns)
    assert sensor.gaps_ns[-1][1] - sensor.gaps_ns[-1][0] > 99_000_000_000


@pytest.mark.parametrize(("readings", "shown"), [(600, 600), (1199, 1199), (1200, 600)])
def test_temperatures_are_thinned_out_above_twice_six_hundred(readings: int, shown: int) -> None:
    recorded = recorded_sensors(OneRecording([(0, 100)], temperatures=readings))
    (sensor,) = recorded.sensors((T0_NS, T0_NS + S_NS))
    assert len(sensor.temperature) == shown
    assert sensor.temperature[1][0] == (2.0 if readings == 1200 else 1.0)
