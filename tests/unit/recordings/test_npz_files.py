import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.recordings import read
from hypothesis import given, settings
from hypothesis import strategies as st
from signals.recording_samples import npz_bytes, samples_of

EMG = np.array([[1.0, -2.0], [math.nan, 3.0], [4.5, 5.0]])


def test_everything_an_archive_states_is_read(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "x.npz",
        emg=EMG,
        rate_hz=500.0,
        labels=["left", "right"],
        temp_c=[30.0, 30.5],
        temp_rate_hz=4,
        start_utc_ns=np.int64(1_700_000_000_000_000_001),
        origin="demo",
    )
    recording = read(tmp_path / "x.npz")
    assert np.array_equal(samples_of(recording), EMG, equal_nan=True)
    assert recording.stream.labels == ("left", "right")
    assert recording.stream.rate_hz == 500.0
    assert recording.start_utc_ns == 1_700_000_000_000_000_001
    assert recording.origin is Origin.DEMO
    assert "simulated" in recording.source_text
    assert recording.sample_count == 3
    assert recording.temperature is not None
    assert (recording.temperature.values_c.tolist(), recording.temperature.rate_hz) == ([30.0, 30.5], 4.0)


def test_one_channel_may_be_one_dimensional_and_everything_else_left_out(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", emg=np.arange(5, dtype=np.int16), rate_hz=np.array([1000]))
    recording = read(tmp_path / "x.npz")
    assert samples_of(recording)[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert (recording.origin, recording.temperature, recording.start_utc_ns) == (Origin.REPLAY, None, None)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["<f4", ">f8", "<f2", "<i2", ">i4", "u1"]),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True),
)
def test_any_type_order_and_compression_gives_the_same_samples(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, by_channel: bool, packed: bool, channels: list[int]
) -> None:
    path = tmp_path_factory.mktemp("npz") / "x.npz"
    emg = (np.arange(3 * 70_000).reshape(-1, 3) % 251).astype(dtype)
    arranged = np.asfortranarray(emg) if by_channel else emg
    (np.savez_compressed if packed else np.savez)(path, emg=arranged, rate_hz=1000.0)
    expected = emg[:, [channel - 1 for channel in channels]]
    assert np.array_equal(samples_of(read(path, channels=channels)), expected)


def test_the_step_of_quantised_microvolts_is_found(tmp_path: Path) -> None:
    emg = np.rint(np.random.default_rng(1).normal(0, 3, (2000, 2))) * 31.25
    np.savez(tmp_path / "x.npz", emg=emg, rate_hz=200.0)
    assert read(tmp_path / "x.npz").stream.lsb_uv == pytest.approx(31.25)


def test_a_scale_given_by_the_user_wins(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", emg=EMG / 1000, rate_hz=500.0)
    assert np.allclose(samples_of(read(tmp_path / "x.npz", scale_uv=1000.0)), EMG, equal_nan=True)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"data": EMG, "rate_hz": 500.0}, "no array `emg`; it contains: data, rate_hz"),
        ({"emg": EMG}, "`rate_hz` should be one number"),
        ({"emg": EMG, "rate_hz": "fast"}, "`rate_hz` should be one number"),
        ({"emg": EMG, "rate_hz": [1.0, 2.0]}, "`rate_hz` should be one number"),
        ({"emg": EMG, "rate_hz": 0.0}, "samples a second"),
        ({"emg": EMG, "rate_hz": 1e9}, "samples a second"),
        ({"emg": EMG, "rate_hz": math.nan}, "samples a second"),
        ({"emg": np.array(["a", "b"]), "rate_hz": 500.0}, "not numbers"),
        ({"emg": EMG.astype(complex), "rate_hz": 500.0}, "not numbers"),
        ({"emg": np.array([{}, {}]), "rate_hz": 500.0}, "not numbers"),
        ({"emg": np.zeros((2, 500)), "rate_hz": 500.0}, "Transpose"),
        ({"emg": np.zeros((2, 2, 2)), "rate_hz": 500.0}, "shape"),
        ({"emg": np.float64(1.0), "rate_hz": 500.0}, "shape"),
        ({"emg": np.zeros((0, 2)), "rate_hz": 500.0}, "no samples"),
        ({"emg": EMG, "rate_hz": 500.0, "labels": ["one"]}, "`labels` should be 2 texts"),
        ({"emg": EMG, "rate_hz": 500.0, "temp_c": [1.0]}, "`temp_rate_hz`"),
        ({"emg": EMG, "rate_hz": 500.0, "temp_c": [1.0], "temp_rate_hz": 0.0}, "`temp_c`"),
        ({"emg": EMG, "rate_hz": 500.0, "temp_c": "warm", "temp_rate_hz": 1.0}, "`temp_c`"),
        ({"emg": EMG, "rate_hz": 500.0, "start_utc_ns": 0.5}, "`start_utc_ns`"),
        ({"emg": EMG, "rate_hz": 500.0, "origin": np.array([{}])}, "`origin`"),
    ],
)
def test_what_an_archive_should_not_hold_is_reported(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    (tmp_path / "x.npz").write_bytes(npz_bytes(**arrays))
    with pytest.raises(RecordingError, match=message):
        read(tmp_path / "x.npz")


def test_labels_that_are_not_there_are_a_mistake_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(npz_bytes(emg=EMG, rate_hz=500.0))
    with pytest.raises(ConfigurationError, match="'EMG 1', 'EMG 2'"):
        read(tmp_path / "x.npz", channels=["left"])


def test_an_array_that_claims_more_samples_than_it_holds_is_damage(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive, archive.open("emg.npy", "w") as member:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 2)}
        np.lib.format.write_array_header_1_0(member, header)
        member.write(bytes(64))
    with pytest.raises(RecordingError, match="truncated"):
        read(tmp_path / "x.npz")


def test_a_damaged_or_truncated_archive_is_reported(tmp_path: Path) -> None:
    content = npz_bytes(emg=np.arange(10_000.0), rate_hz=500.0)
    (tmp_path / "x.npz").write_bytes(content[:-40])
    with pytest.raises(RecordingError, match="damaged"):
        read(tmp_path / "x.npz")
    (tmp_path / "x.npz").write_bytes(content[:5000] + b"\xff" + content[5001:])
    with pytest.raises(RecordingError, match="damaged"):
        samples_of(read(tmp_path / "x.npz"))
