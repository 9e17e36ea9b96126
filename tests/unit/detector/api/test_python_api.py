"""The public Python interface: what it accepts, what it refuses and in which words, and that it can be cut anywhere."""

import json
import pickle
import warnings
from typing import Any

import mne
import numpy as np
import pytest
from crampwatch import detector as public
from crampwatch.detector import Detector, Episode, EpisodeKind, EpisodeStatus, SignalState, detect
from crampwatch.detector.model.episode import kind_name
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from signals.muscle_generator import Scene, cramp, hold, twitch

RATE_HZ = 1000.0


def _signal() -> NDArray[np.float64]:
    """Two channels: a cramp, a twitch and a voluntary contraction."""
    scene = Scene(np.random.default_rng(3), RATE_HZ, 2, 150.0, 2.0, strength=3.0)
    end_s = cramp(scene, 12.0)
    end_s = twitch(scene, end_s + 8.0)
    end_s = hold(scene, end_s + 8.0)
    return scene.emg[: round((end_s + 15.0) * RATE_HZ)]


COMPLETE = _signal()
EMG = COMPLETE.copy()
EMG[6000:6800] = np.nan
FOUND = detect(EMG, rate_hz=RATE_HZ)


def test_the_names_promised_are_exactly_these_and_all_there() -> None:
    assert public.__all__ == ["Detector", "Episode", "EpisodeKind", "EpisodeStatus", "SignalState", "detect"]
    assert all(hasattr(public, name) for name in public.__all__)


def test_a_cramp_is_found_and_its_text_reads_well() -> None:
    first = FOUND[0]
    assert first.kind is EpisodeKind.CRAMP
    assert first.status is EpisodeStatus.CLOSED
    assert 11.5 < first.onset_s < 14.0
    text = f"likely cramp, {first.onset_s:.1f}-{first.offset_s:.1f} s ({first.duration_s:.1f} s), channel"
    assert str(first).startswith(text)
    assert f"confidence {first.confidence:.2f}: " in str(first)
    assert repr(first) == f"<Episode {str(first).split(': ')[0]}, closed>"


def test_an_episode_becomes_plain_values_for_json() -> None:
    row = FOUND[0].to_dict()
    assert json.loads(json.dumps(row)) == row
    assert (row["kind"], row["unit"], row["status"]) == ("cramp", "uV", "closed")
    assert row["duration_s"] == pytest.approx(row["offset_s"] - row["onset_s"])


def test_an_open_episode_has_no_end_and_a_retracted_one_says_so() -> None:
    changes = Detector(rate_hz=RATE_HZ, channels=2).push(EMG[:16_000])
    opened = changes[0]
    assert opened.status is EpisodeStatus.OPENED
    assert np.isnan(opened.offset_s)
    assert np.isnan(opened.duration_s)
    assert (opened.to_dict()["offset_s"], opened.to_dict()["duration_s"]) == (None, None)
    assert f"since {opened.onset_s:.1f} s" in str(opened)


def test_labels_stand_in_the_place_of_channel_numbers() -> None:
    first = detect(EMG, rate_hz=RATE_HZ, labels=["left arch", "left calf"])[0]
    assert first.labels == tuple(("left arch", "left calf")[channel] for channel in first.channels)
    assert f", {' + '.join(first.labels)}, " in str(first)


def test_episodes_can_be_sent_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(FOUND)) == FOUND


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, len(EMG)), max_size=8), st.booleans())
def test_any_split_of_a_stream_gives_the_same_episodes(cuts: list[int], through_checkpoints: bool) -> None:
    detector = Detector(rate_hz=RATE_HZ, channels=2)
    for block in np.split(EMG, sorted(cuts)):
        detector.push(block)
        if through_checkpoints:
            detector = Detector.restore(detector.checkpoint())
    detector.finish()
    assert _outlines(detector.episodes) == _outlines(FOUND)


def _outlines(episodes: list[Episode]) -> list[tuple[object, ...]]:
    """Return what must be equal to the bit; sums may be rounded differently where blocks are cut."""
    return [(one.episode_id, one.kind, one.onset_index, one.offset_index, one.channels) for one in episodes]


def test_one_dimension_is_one_channel() -> None:
    assert detect(EMG[:, 0], rate_hz=RATE_HZ) == detect(EMG[:, :1], rate_hz=RATE_HZ)
    flat, column = Detector(rate_hz=RATE_HZ), Detector(rate_hz=RATE_HZ)
    assert flat.push(EMG[:, 0]) == column.push(EMG[:, :1])


@pytest.mark.parametrize(
    "given",
    [
        EMG.astype(np.float32),
        np.asfortranarray(EMG),
        np.ma.masked_invalid(np.where(np.isnan(EMG), np.inf, EMG)),
        np.where(np.isnan(EMG), np.inf, EMG),
        EMG.tolist(),
    ],
    ids=["float32", "fortran order", "masked", "infinite", "lists"],
)
def test_other_kinds_of_arrays_give_the_same(given: Any) -> None:
    assert _outlines(detect(given, rate_hz=RATE_HZ)) == _outlines(FOUND)


def test_whole_numbers_are_samples_too() -> None:
    counts = np.rint(COMPLETE * 10).astype(np.int16)
    found = detect(counts, rate_hz=RATE_HZ, unit="relative")
    assert found[0].kind is EpisodeKind.CRAMP
    assert found[0].unit == "relative"


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e-3), ("V", 1e-6)])
def test_units_are_converted(unit: Any, factor: float) -> None:
    found = detect(EMG * factor, rate_hz=RATE_HZ, unit=unit)
    assert _outlines(found) == _outlines(FOUND)
    assert found[0].peak == pytest.approx(FOUND[0].peak)


@pytest.mark.parametrize(
    ("factor", "words"), [(1e-6, "unit='V'"), (1e-3, "unit='mV'"), (1e6, "unit='relative'")], ids=["V", "mV", "counts"]
)
def test_samples_in_another_unit_are_warned_about_where_they_are_passed(factor: float, words: str) -> None:
    with pytest.warns(UserWarning, match=words) as warned:
        detect(EMG * factor, rate_hz=RATE_HZ)
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning, match=words) as warned:
        Detector(rate_hz=RATE_HZ, channels=2).push(EMG * factor)
    assert warned[0].filename == __file__


def test_a_short_signal_is_warned_about_at_its_end() -> None:
    with pytest.warns(UserWarning, match="less than any electrode's noise"):
        detect(EMG[:2000] * 1e-6, rate_hz=RATE_HZ)
    detector = Detector(rate_hz=RATE_HZ, channels=2)
    detector.push(EMG[:2000] * 1e-6)
    with pytest.warns(UserWarning, match="less than any electrode's noise"):
        detector.finish()


def test_a_signal_of_usual_size_or_of_none_is_not_warned_about() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        detect(EMG, rate_hz=RATE_HZ)
        detect(np.zeros(10_000), rate_hz=RATE_HZ)
        detect(np.full(10_000, np.nan), rate_hz=RATE_HZ)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (EMG + 0j, TypeError, "real numbers, got complex128"),
        (EMG.astype(object), TypeError, "ndarray of object"),
        (EMG > 0, TypeError, "truth values"),
        (None, TypeError, "NoneType"),
        ("night.edf", TypeError, r"crampwatch.recordings.read"),
        (EMG[:0], ValueError, "no samples"),
        (EMG[:, :0], ValueError, "1 to 64 channels"),
        (3.5, ValueError, "0 dimensions"),
        (EMG[np.newaxis], ValueError, r"3 dimensions: \(1, "),
        (EMG.T, ValueError, r"transposed.*emg\.T"),
        (np.zeros((200, 65)), ValueError, "1 to 64 channels.* 65"),
    ],
)
def test_what_is_no_signal_is_refused_in_plain_words(given: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        detect(given, rate_hz=RATE_HZ)


@pytest.mark.parametrize(
    ("rate_hz", "kind"),
    [
        (0, ValueError),
        (-1000.0, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        (np.nextafter(10.0, 0.0), ValueError),
        (np.nextafter(100_000.0, 1e6), ValueError),
        ("1000", TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_a_rate_that_cannot_be_is_refused(rate_hz: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="rate_hz"):
        detect(EMG, rate_hz=rate_hz)
    with pytest.raises(kind, match="rate_hz"):
        Detector(rate_hz=rate_hz)


@pytest.mark.parametrize("rate_hz", [10, 100_000.0, np.float32(512.0), np.int64(2000)])
def test_every_rate_within_the_limits_is_accepted(rate_hz: Any) -> None:
    assert Detector(rate_hz=rate_hz).rate_hz == float(rate_hz)


@pytest.mark.parametrize(
    ("channels", "kind"), [(0, ValueError), (65, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_a_number_of_channels_that_cannot_be_is_refused(channels: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="channels"):
        Detector(rate_hz=RATE_HZ, channels=channels)
    assert Detector(rate_hz=RATE_HZ, channels=64).channels == 64


def test_labels_and_units_that_cannot_be_are_refused() -> None:
    wrong: Any = "volts"
    with pytest.raises(ValueError, match="'volts'; expected one of uV, mV, V, relative"):
        detect(EMG, rate_hz=RATE_HZ, unit=wrong)
    with pytest.raises(ValueError, match=r"1 labels were given for 2 channel\(s\)"):
        detect(EMG, rate_hz=RATE_HZ, labels=["arch"])
    with pytest.raises(TypeError, match="sequence of texts"):
        detect(EMG, rate_hz=RATE_HZ, labels="LR")


def test_blocks_of_another_shape_are_refused_and_change_nothing() -> None:
    detector = Detector(rate_hz=RATE_HZ, channels=2)
    with pytest.raises(ValueError, match="transposed"):
        detector.push(EMG[:500].T)
    with pytest.raises(ValueError, match=r"expected 2 channel\(s\), got an array of shape \(500, 3\)"):
        detector.push(np.zeros((500, 3)))
    with pytest.raises(ValueError, match=r"expected 2 channel\(s\)"):
        detector.push(EMG[:500, 0])
    assert detector.time_s == 0.0
    assert detector.push(EMG[:0]) == []


def test_skipped_samples_are_as_missing_as_nan() -> None:
    detector = Detector(rate_hz=RATE_HZ, channels=2)
    detector.push(EMG[:6000])
    detector.skip(800)
    detector.push(EMG[6800:])
    detector.finish()
    assert _outlines(detector.episodes) == _outlines(FOUND)
    assert detector.time_s == len(EMG) / RATE_HZ


def test_only_a_whole_number_of_later_samples_can_be_skipped() -> None:
    detector = Detector(rate_hz=RATE_HZ)
    wrong: Any = 1.5
    with pytest.raises(TypeError):
        detector.skip(wrong)
    with pytest.raises(ValueError, match="-1"):
        detector.skip(-1)
    detector.skip(0)
    assert detector.time_s == 0.0


def test_a_finished_detector_takes_no_more_and_finishes_once() -> None:
    detector = Detector(rate_hz=RATE_HZ, channels=2)
    detector.push(EMG[:20_000])
    assert detector.finish()
    assert detector.finish() == []
    for restored in (detector, Detector.restore(detector.checkpoint())):
        with pytest.raises(ValueError, match="finished"):
            restored.push(EMG[:10])
        with pytest.raises(ValueError, match="finished"):
            restored.skip(1)


def test_a_checkpoint_carries_all_that_a_detector_shows() -> None:
    detector = Detector(rate_hz=500.0, channels=2, unit="mV", labels=["arch", "calf"])
    detector.push(EMG[:20_000] * 1e-3)
    detector.skip(7)
    detector.push_temperature(31.5)
    restored = Detector.restore(detector.checkpoint())
    assert repr(restored) == repr(detector)
    assert (restored.episodes, restored.state, restored.time_s) == (detector.episodes, detector.state, detector.time_s)
    rest = EMG[20_000:] * 1e-3
    assert restored.push(rest) == detector.push(rest)
    assert restored.finish() == detector.finish()


@pytest.mark.parametrize("data", [b"", b"junk", Detector(rate_hz=RATE_HZ).checkpoint()[:-5]])
def test_other_bytes_than_a_checkpoint_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        Detector.restore(data)


def test_a_checkpoint_of_another_version_is_refused() -> None:
    data = Detector(rate_hz=RATE_HZ).checkpoint()
    with pytest.raises(ValueError, match="version 9"):
        Detector.restore(data.replace(b"version\x01", b"version\x09", 1))


def test_a_detector_prints_what_it_found_and_in_which_state_the_muscle_is() -> None:
    detector = Detector(rate_hz=RATE_HZ, channels=2)
    assert repr(detector) == "<Detector 2 channels at 1000 Hz: 0.0 s analysed, no episodes>"
    states = [detector.state]
    for block in (EMG[:5000], EMG[5000:20_000]):
        detector.push(block)
        states.append(detector.state)
    assert states == [None, SignalState.REST, SignalState.CRAMP]
    assert repr(detector) == "<Detector 2 channels at 1000 Hz: 20.0 s analysed, 1 likely cramp>"
    assert repr(Detector(rate_hz=99.5)) == "<Detector 1 channel at 99.5 Hz: 0.0 s analysed, no episodes>"


def _raw(types: list[str], names: list[str] | None = None) -> mne.io.BaseRaw:
    emg = COMPLETE * 1e-6
    noise = np.random.default_rng(0).normal(0.0, 20e-6, (len(emg), len(types) - 2))
    names = names or [f"ch{number}" for number in range(len(types))]
    info = mne.create_info(names, RATE_HZ, types)
    return mne.io.RawArray(np.hstack([noise, emg]).T, info, verbose="error")


def test_a_raw_of_mne_is_read_in_volts_from_its_emg_channels() -> None:
    found = detect(_raw(["eeg", "stim", "emg", "emg"]))
    plain = detect(COMPLETE, rate_hz=RATE_HZ)
    assert _outlines(found) == _outlines(plain)
    assert found[0].labels == tuple(("ch2", "ch3")[channel] for channel in found[0].channels)


def test_channels_of_a_raw_marked_as_bad_are_left_out() -> None:
    raw = _raw(["eeg", "emg", "emg"])
    raw.info["bads"] = ["ch1"]
    assert {label for one in detect(raw) for label in one.labels} == {"ch2"}
    raw.info["bads"] = raw.ch_names
    with pytest.raises(ValueError, match=r"no channel that could be EMG: ch0 \(eeg\)"):
        detect(raw)


def test_segments_of_a_raw_annotated_as_bad_are_missing() -> None:
    raw = _raw(["emg", "emg"])
    raw.set_annotations(mne.Annotations([6.0, 10.0], [0.8, 60.0], ["bad electrode", "BAD_movement"]))
    assert [one for one in detect(raw) if one.onset_s < 70.0] == []


def test_channels_of_a_raw_without_types_are_found_by_name_or_warned_about() -> None:
    named = detect(_raw(["eeg", "eeg", "eeg"], ["C3", "EMG arch", "EMG calf"]))
    assert {label for one in named for label in one.labels} <= {"EMG arch", "EMG calf"}
    with pytest.warns(UserWarning, match="analysing x, y") as warned:
        detect(_raw(["eeg", "eeg"], ["x", "y"]))
    assert warned[0].filename == __file__


def test_what_states_its_own_rate_is_given_none() -> None:
    with pytest.raises(TypeError, match="rate_hz can be given for an array only: a RawArray"):
        detect(_raw(["emg", "emg"]), rate_hz=RATE_HZ)


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        (EpisodeKind.CRAMP, "cramp", "cramps"),
        (EpisodeKind.TWITCH, "twitch", "twitches"),
        (EpisodeKind.LEG_MOVEMENT, "leg movement", "leg movements"),
        (EpisodeKind.RHYTHMIC, "rhythmic movement", "rhythmic movements"),
    ],
)
def test_kinds_are_named_in_plain_words(kind: EpisodeKind, one: str, two: str) -> None:
    assert (kind_name(kind), kind_name(kind, count=2)) == (one, two)
