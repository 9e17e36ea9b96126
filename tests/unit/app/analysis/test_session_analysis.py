"""The result of a session: times relative to its first sample, and what is retracted."""

import pytest
from crampwatch.app.analysis.session_analysis import SensorAnalysis, retractions
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.protocol.records import SessionSensor

START_NS = 1_700_000_000_000_000_000
SENSOR = SessionSensor(1, "CW-1", "CW-1", "", "cws-v1")


def episode(
    name: str = "e", *, status: str = "final", boot_id: int = 1, offset_index: int | None = 5_000
) -> messages.Episode:
    return messages.Episode(
        sensor="CW-1", t_ns=1, origin=Origin.LIVE, id=name, revision=4, status=status,  # type: ignore[arg-type]  # of the literal
        kind=EpisodeKind.CRAMP, session="s", boot_id=boot_id, onset_ns=START_NS + 90_000_000_000, offset_ns=None,
        onset_index=3_000, offset_index=offset_index, detected_index=4_000, rate_hz=1000.0, channels=(0,),
        confidence=0.9, peak=1.0, unit="uV", reasons=(),
    )  # fmt: skip


@pytest.fixture
def analysis() -> SensorAnalysis:
    return SensorAnalysis(SENSOR, "uV", START_NS, 1, 1_000, 0, 0.0, ())


def test_within_the_first_boot_times_count_by_samples(analysis: SensorAnalysis) -> None:
    one = episode()
    assert (analysis.onset_s(one), analysis.detected_at_s(one), analysis.offset_s(one)) == (2.0, 3.0, 4.0)


def test_after_a_reboot_times_count_by_the_clock_up_to_the_onset(analysis: SensorAnalysis) -> None:
    one = episode(boot_id=2)
    assert (analysis.onset_s(one), analysis.detected_at_s(one), analysis.offset_s(one)) == (90.0, 91.0, 92.0)


def test_an_episode_without_an_end_lasts_until_its_detection(analysis: SensorAnalysis) -> None:
    assert analysis.offset_s(episode(offset_index=None)) == 3.0


def test_live_episodes_without_a_successor_are_retracted_once() -> None:
    live = [episode("same", status="closed"), episode("gone", status="closed"), episode("old", status="retracted")]
    (retracted,) = retractions(live, [episode("same")], t_ns=99)
    assert (retracted.id, retracted.status, retracted.revision, retracted.t_ns) == ("gone", "retracted", 5, 99)
