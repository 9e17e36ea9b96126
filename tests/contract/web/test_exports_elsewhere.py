"""Exports in the programs that people open them with: pyEDFlib and MNE, on a night with gaps and two feet."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyedflib
import pytest
from crampwatch.app.analysis.export import export_session
from crampwatch.app.analysis.session_analysis import SensorAnalysis, analyse_session
from crampwatch.journal import SessionReader
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.recordings.session.reader import read_session
from nights.synthetic_night import Contraction, SyntheticNight
from numpy.typing import NDArray

BEGIN_NS = int(datetime(2026, 11, 20, 22, 30, tzinfo=UTC).timestamp()) * 1_000_000_000 + 250_000_000
GAP = (80.0, 95.0)
NIGHT = SyntheticNight(
    BEGIN_NS,
    180,
    [Contraction(30, 25, amplitude_uv=80), Contraction(110, 3, EpisodeKind.TWITCH, 60), Contraction(130, 20)],
    gaps=(GAP,),
    feet=(("CW-LEFT", "left"), ("CW-RIGHT", "right")),
)


@dataclass
class Opened:
    """What another program finds in a file."""

    labels: list[str]
    rate_hz: float
    samples_uv: NDArray[np.float64]
    notes: list[tuple[float, float, str]]
    begin: datetime


@dataclass
class Exported:
    session: Path
    files: dict[tuple[str, str], Path]
    verdicts: dict[str, SensorAnalysis]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("exports")
    session = NIGHT.write_recording(folder)
    files = {}
    for foot, _ in NIGHT.feet:
        for suffix in ("edf", "bdf"):
            files[foot, suffix] = folder / f"{foot}.{suffix}"
            export_session(session, files[foot, suffix], sensor=foot, progress=lambda _done, _total: None)
    with SessionReader(session) as reader:
        verdicts = {one.sensor.sensor: one for one in analyse_session(reader)}
    return Exported(session, files, verdicts)


def by_pyedflib(path: Path) -> Opened:
    with pyedflib.EdfReader(str(path)) as file:
        onsets, durations, texts = file.readAnnotations()
        return Opened(
            file.getSignalLabels(),
            file.getSampleFrequency(0),
            np.column_stack([file.readSignal(0), file.readSignal(1)]),
            list(zip(onsets.tolist(), map(float, durations), texts.tolist(), strict=True)),
            file.getStartdatetime().replace(tzinfo=UTC),
        )


def by_mne(path: Path) -> Opened:
    import mne  # noqa: PLC0415 - takes a second, which the tests of the other program need not wait

    read = mne.io.read_raw_edf if path.suffix == ".edf" else mne.io.read_raw_bdf
    raw = read(path, preload=False, verbose="ERROR")
    notes = raw.annotations
    return Opened(
        raw.ch_names,
        raw.info["sfreq"],
        1e6 * raw.get_data(picks=raw.ch_names[:2]).T,
        list(zip(notes.onset.tolist(), notes.duration.tolist(), notes.description.tolist(), strict=True)),
        raw.info["meas_date"],
    )


@pytest.fixture(scope="module", params=["CW-LEFT edf", "CW-LEFT bdf", "CW-RIGHT edf", "CW-RIGHT bdf"])
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    foot, suffix = str(request.param).split()
    return foot, suffix


@pytest.fixture(scope="module", params=[by_pyedflib, by_mne])
def opened(exported: Exported, case: tuple[str, str], request: pytest.FixtureRequest) -> Opened:
    found: Opened = request.param(exported.files[case])
    return found


def test_channel_labels_contain_foot_muscle_and_number(opened: Opened, case: tuple[str, str]) -> None:
    side = {"CW-LEFT": "left", "CW-RIGHT": "right"}[case[0]]
    assert opened.labels == [f"EMG {side} arch 1", f"EMG {side} arch 2", "Temp skin"]
    assert opened.rate_hz == 1000
    assert opened.begin.replace(microsecond=0) == datetime(2026, 11, 20, 22, 30, tzinfo=UTC)


def test_episodes_are_annotated_where_the_detector_found_them(
    opened: Opened, exported: Exported, case: tuple[str, str]
) -> None:
    verdict = exported.verdicts[case[0]]
    assert verdict.first_utc_ns is not None
    assert len(verdict.episodes) == 3
    notes = sorted(note for note in opened.notes if note[2] != "no data")
    for (onset_s, lasts_s, text), episode in zip(notes, verdict.episodes, strict=True):
        assert episode.offset_ns is not None
        assert onset_s == pytest.approx((episode.onset_ns - verdict.first_utc_ns) / 1e9, abs=1e-3)
        assert lasts_s == pytest.approx((episode.offset_ns - episode.onset_ns) / 1e9, abs=1e-3)
        assert text.startswith(f"likely {episode.kind.replace('_', ' ')}, ")


def test_samples_are_exact_and_the_gap_is_annotated_to_the_sample(
    opened: Opened, exported: Exported, case: tuple[str, str]
) -> None:
    recording, _ = read_session(exported.session, sensor=case[0])
    expected = np.concatenate(list(recording.chunks(65_536)))
    is_known = np.isfinite(expected).all(axis=1)
    found = opened.samples_uv[: len(expected)]
    assert np.allclose(found[is_known], expected[is_known], atol=0.01)
    missing = np.flatnonzero(~is_known)
    ((begin_s, lasts_s, _),) = [note for note in opened.notes if note[2] == "no data"]
    assert begin_s == pytest.approx(missing[0] / 1000, abs=1e-3)
    assert begin_s + lasts_s == pytest.approx((missing[-1] + 1) / 1000, abs=1e-3)
    assert begin_s == pytest.approx(GAP[0], abs=0.1)
