"""Limits of the public Python interface, at exactly the bound and just beside it."""

import math
import warnings

import mne
import numpy as np
import pytest
from crampwatch.detector import Detector
from crampwatch.detector.api import unit as module
from crampwatch.detector.api.mne_raw import emg_picks
from crampwatch.detector.api.unit import ScaleCheck, describe_array
from crampwatch.protocol.samples import LARGEST_VALUE, as_matrix, without_absurd
from numpy.typing import NDArray


def deviating(by_uv: float) -> NDArray[np.float64]:
    """Return a channel with that median deviation, on an electrode offset that does not count."""
    return np.tile([[-by_uv], [by_uv]], (500, 1))


@pytest.mark.parametrize(
    ("by_uv", "words"),
    [
        (0.0, ""),
        (0.000049, "unit='V'"),
        (0.00005, "unit='mV'"),
        (0.0499, "unit='mV'"),
        (0.05, ""),
        (50_000.0, ""),
        (50_001.0, "unit='relative'"),
    ],
)
def test_a_signal_between_the_quietest_and_the_largest_is_not_suspicious(by_uv: float, words: str) -> None:
    message = module._describe_problem(deviating(by_uv), "uV")
    assert (words in message) if words else not message


def test_the_loudest_channel_decides_and_what_is_missing_does_not_count() -> None:
    quiet, usual = deviating(0.001), deviating(5.0)
    usual[::3] = np.nan
    assert module._describe_problem(np.hstack([quiet, usual]), "uV") == ""
    assert module._describe_problem(np.hstack([quiet, np.full_like(quiet, np.nan)]), "uV")


def test_another_stated_unit_is_doubted_rather_than_replaced() -> None:
    assert "really in mV" in module._describe_problem(deviating(0.001), "mV")


def test_five_seconds_are_looked_at_and_once() -> None:
    check = ScaleCheck(1000.0, "uV")
    check.push(deviating(0.001)[:999])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check.warn(stacklevel=1)
        check.push(np.tile(deviating(0.001), (4, 1))[:4000])
        check.warn(stacklevel=1)
        check.push(deviating(0.001)[1:2])
        with pytest.raises(UserWarning, match="unit='mV'"):
            check.warn(stacklevel=1)


def test_counts_of_unknown_scale_are_never_suspicious() -> None:
    check = ScaleCheck(100.0, "relative")
    check.push(deviating(0.001))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check.warn(stacklevel=1, at_end=True)


def test_an_array_is_described_with_a_resolution_finer_than_any_front_end() -> None:
    known = describe_array(rate_hz=1000.0, channels=2, unit="mV", labels=())
    assert known.lsb_uv == pytest.approx(0.01)
    assert not describe_array(rate_hz=1000.0, channels=2, unit="relative", labels=()).has_scale


def test_a_square_array_is_taken_as_it_is_and_a_flat_one_as_transposed() -> None:
    assert as_matrix(np.zeros((5, 5))).shape == (5, 5)
    with pytest.raises(ValueError, match="transposed"):
        as_matrix(np.zeros((4, 5)))
    assert as_matrix(np.zeros((1, 3)), channels=3).shape == (1, 3)
    assert as_matrix(np.zeros((100, 64))).shape == (100, 64)


def test_only_absurd_values_become_missing() -> None:
    beyond = np.nextafter(LARGEST_VALUE, math.inf)
    values = without_absurd(np.array([1e12, -1e12, beyond, -beyond, math.inf, math.nan]))
    assert np.isnan(values).tolist() == [False, False, True, True, True, True]
    assert without_absurd(np.array([3], np.int8), factor=1e3).tolist() == [3000.0]


def raw(**types: str) -> mne.io.BaseRaw:
    info = mne.create_info(list(types), 1000.0, list(types.values()))
    return mne.io.RawArray(np.zeros((len(types), 10)), info, verbose="error")


def test_channels_of_type_emg_come_before_those_that_are_named_so() -> None:
    assert emg_picks(raw(EMG_name="eeg", other="emg"), stacklevel=1) == [1]
    assert emg_picks(raw(c3="eeg", EMG_name="eeg"), stacklevel=1) == [1]
    with pytest.raises(ValueError, match="no channel that could be EMG"):
        emg_picks(raw(EMG_trigger="stim"), stacklevel=1)


def test_one_sample_of_all_channels_needs_two_dimensions() -> None:
    detector = Detector(rate_hz=1000, channels=2)
    with pytest.raises(ValueError, match="one sample of all"):
        detector.push([1.0, 2.0])
    assert detector.push([[1.0, 2.0]]) == []
    assert Detector(rate_hz=1000, channels=1).push([1.0]) == []
