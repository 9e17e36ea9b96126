"""Sessions of crampwatch read as recordings: every sensor, every channel, gaps as gaps."""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings import read, write
from nights.synthetic_night import Contraction, SyntheticNight

BEGIN = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
BEGIN_NS = int(BEGIN.timestamp()) * 10**9


def _night(folder: Path, *, feet: tuple[tuple[str, str], ...] = (("CW-LEFT", "left"),)) -> Path:
    night = SyntheticNight(
        BEGIN_NS, 40.0, contractions=[Contraction(20.0, 8.0)], gaps=[(10.0, 12.5)], feet=feet, origin=Origin.DEMO
    )
    return night.write_recording(folder)


def test_a_session_reads_as_one_array_with_its_gap_in_place(tmp_path: Path) -> None:
    recording = read(_night(tmp_path))
    emg_uv = recording.samples()
    assert (recording.rate_hz, recording.sensor, recording.is_simulated) == (1000.0, "CW-LEFT", True)
    assert recording.labels == ("EMG left arch 1", "EMG left arch 2")
    assert recording.start is not None
    assert abs((recording.start - BEGIN).total_seconds()) < 0.1
    assert abs(len(emg_uv) - 40_000) < 200
    missing = np.flatnonzero(np.isnan(emg_uv[:, 0])) / 1000
    assert len(missing)
    assert abs(missing[0] - 10.0) < 0.1
    assert abs(missing[-1] - 12.5) < 0.1


def test_channels_of_a_session_are_chosen_by_label_or_number(tmp_path: Path) -> None:
    path = _night(tmp_path)
    both = read(path).samples()
    for choice in (["EMG left arch 2"], [2]):
        chosen = read(path, channels=choice)
        assert chosen.labels == ("EMG left arch 2",)
        np.testing.assert_array_equal(chosen.samples()[:, 0], both[:, 1])
    with pytest.raises(ConfigurationError, match="no signal number 3"):
        read(path, channels=[3])


def test_one_of_several_sensors_is_named(tmp_path: Path) -> None:
    path = _night(tmp_path, feet=(("CW-LEFT", "left"), ("CW-RIGHT", "right")))
    assert read(path, sensor="CW-RIGHT").labels[0] == "EMG right arch 1"
    with pytest.raises(ConfigurationError, match=r"several sensors.*CW-LEFT, CW-RIGHT"):
        read(path)
    with pytest.raises(ConfigurationError, match="no sensor 'CW-UP'"):
        read(path, sensor="CW-UP")


def test_a_session_states_its_own_rate_and_scale(tmp_path: Path) -> None:
    path = _night(tmp_path)
    with pytest.raises(ConfigurationError, match="states its own rate and scale"):
        read(path, rate_hz=500.0)
    with pytest.raises(ConfigurationError, match="states its own rate and scale"):
        read(path, scale_uv=2.0)
    with pytest.raises(ConfigurationError, match="states its own rate and scale"):
        read(path, column=[1])


def test_a_session_is_known_by_its_content_and_a_damaged_one_by_its_name(tmp_path: Path) -> None:
    renamed = _night(tmp_path).rename(tmp_path / "night.dat")
    assert read(renamed).sensor == "CW-LEFT"
    (tmp_path / "broken.cws").write_bytes(b"no session")
    with pytest.raises(RecordingError, match=r"broken\.cws"):
        read(tmp_path / "broken.cws")


def test_a_session_can_be_written_in_another_format(tmp_path: Path) -> None:
    session = read(_night(tmp_path))
    write(tmp_path / "night.npz", session)
    copied = read(tmp_path / "night.npz")
    assert copied.labels == session.labels
    assert copied.is_simulated
    np.testing.assert_allclose(copied.samples(), session.samples(), atol=1e-3)
    assert math.isclose(copied.rate_hz, session.rate_hz)
