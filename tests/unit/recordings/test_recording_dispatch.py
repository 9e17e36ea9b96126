import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from crampwatch.protocol.errors import ConfigurationError, CrampwatchError, RecordingError
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.stream import SampleFormat
from crampwatch.recordings import FORMATS, Format, ReadOptions, Recording, describe_stream, read, register
from lanes.lanes import shared_data
from signals.recording_samples import edf_bytes, edf_signal, npz_bytes, samples_of

NOBODY = 65_534


def test_the_content_of_a_file_decides_its_format_not_its_name(tmp_path: Path) -> None:
    edf = edf_bytes([edf_signal()], [[np.arange(200, dtype=np.int16)]])
    (tmp_path / "a.csv").write_bytes(edf)
    (tmp_path / "b.edf").write_bytes(npz_bytes(emg=np.arange(9.0), rate_hz=100.0))
    (tmp_path / "c.npz").write_bytes(b"1;2\n3;4\n5;6\n")
    assert "EDF" in read(tmp_path / "a.csv").source_text
    assert "NumPy" in read(tmp_path / "b.edf").source_text
    assert "text" in read(tmp_path / "c.npz", rate_hz=100.0).source_text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n\0\0", "HDF5.*Export"),
        (b"\x1f\x8b\x08\0\0", "gzip"),
        (b"\x93NUMPY\x01\0", "bare NumPy array"),
        (b"PK\x03\x04" + bytes(40), "zip archive"),
        (bytes(range(256)) * 8, "neither text nor any known recording"),
    ],
)
def test_what_is_no_recording_is_reported_by_what_it_is(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(RecordingError, match=message):
        read(tmp_path / "x.csv")


def test_real_hdf5_is_reported_to_be_exported() -> None:
    with pytest.raises(RecordingError, match=r"HDF5 file, although its name ends in \.h5"):
        read(shared_data("biosignalsnotebooks", "emg_bursts.h5"))


@pytest.mark.parametrize("path", ["nowhere/x.edf", ".", "x\0.edf", "x" * 5000, ""])
def test_a_path_that_leads_nowhere_is_reported(path: str) -> None:
    with pytest.raises(RecordingError, match=r"does not exist|is a folder|cannot be read"):
        read(path)


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Give up the superuser's right to read everything, if the tests run as such."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


def test_a_file_without_permission_is_reported(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(b"0")
    path.chmod(0)
    request.getfixturevalue("as_nobody")
    with pytest.raises(RecordingError, match="permission denied"):
        read(path)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_an_absurd_rate_given_is_a_mistake_of_the_user(rate_hz: float) -> None:
    with pytest.raises(ConfigurationError, match="--rate-hz"):
        read("x.csv", rate_hz=rate_hz)


@pytest.mark.parametrize("scale_uv", [0.0, -1.0, float("nan"), float("inf")])
def test_an_absurd_scale_given_is_a_mistake_of_the_user(scale_uv: float) -> None:
    with pytest.raises(ConfigurationError, match="--scale"):
        read("x.csv", scale_uv=scale_uv)


class DiaryFormat(Format):
    """A format of someone else's."""

    name = "diary"

    def sniff(self, head: bytes, path: Path) -> bool:
        """Tell by the first words."""
        del path
        return head.startswith(b"diary")

    def read(self, path: Path, options: ReadOptions) -> Recording:
        """Return three samples."""
        stream = describe_stream(labels=["a"], rate_hz=10.0, lsb_uv=1.0, sample_format=SampleFormat.INT16)
        text = f"{path.name} {options.rate_hz}"
        return Recording(stream=stream, blocks=lambda: [np.ones((3, 1))], origin=Origin.REPLAY, source_text=text)


def test_a_format_can_be_registered_and_comes_first(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"diary of one night\n")
    formats = list(FORMATS)
    with pytest.raises(CrampwatchError):
        read(tmp_path / "x", rate_hz=50.0)
    try:
        register(DiaryFormat())
        register(DiaryFormat())
        recording = read(tmp_path / "x", rate_hz=50.0)
        assert len(FORMATS) == len(formats) + 1
    finally:
        FORMATS[:] = formats
    assert recording.source_text == "x 50.0"
    assert len(samples_of(recording)) == 3
