import math

import pytest
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.recordings.channel_choice import Candidate, choose, find_temperature

POLYSOMNOGRAPHY = [
    Candidate("C3-M2", "uV", 256.0),
    Candidate("Left Leg", "uV", 200.0),
    Candidate("Left Leg Imp", "Ohm", 1.0),
    Candidate("Right Leg", "uV", 200.0),
    Candidate("EMG Chin", "uV", 256.0),
    Candidate("Temp ankle", "degC", 1.0),
    Candidate("C3-M2", "uV", 256.0),
]


def test_labels_that_name_muscles_win_and_the_commonest_rate_among_them() -> None:
    choice = choose(POLYSOMNOGRAPHY, None)
    assert choice.indices == (1, 3)
    assert "'EMG Chin'" in choice.reason


def test_without_muscle_names_the_fastest_voltages_are_chosen() -> None:
    candidates = [Candidate("ch1", "mV", 500.0), Candidate("ch2", "mV", 1000.0), Candidate("ch3", "%", 2000.0)]
    assert choose(candidates, None).indices == (1,)


def test_without_units_anything_that_is_not_clearly_something_else_is_chosen() -> None:
    candidates = [Candidate("time", "", 500.0), Candidate("a", "", 500.0), Candidate("b", "deg", 500.0)]
    assert choose(candidates, None).indices == (1,)


def test_voltages_are_preferred_to_faster_signals_without_a_unit() -> None:
    assert choose([Candidate("ch1", "", 2000.0), Candidate("ch2", "mV", 1000.0)], None).indices == (1,)


def test_a_muscle_label_with_a_unit_that_is_no_voltage_does_not_count() -> None:
    assert choose([Candidate("Leg position", "deg", 200.0), Candidate("ch1", "uV", 100.0)], None).indices == (1,)


@pytest.mark.parametrize("asked", ["right leg", "4", 4])
def test_a_signal_is_named_by_label_or_number(asked: str | int) -> None:
    assert choose(POLYSOMNOGRAPHY, [asked]).indices == (3,)


def test_a_label_that_is_a_number_wins_over_the_position() -> None:
    assert choose([Candidate("2", "V", 200.0), Candidate("1", "V", 200.0)], ["1"]).indices == (1,)


def test_signals_come_in_the_order_asked_for_and_only_once() -> None:
    assert choose(POLYSOMNOGRAPHY, [4, "Left Leg", 4]).indices == (3, 1)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["C3-M2"], "number 1, 7"),
        (["Tibialis"], "'Left Leg'"),
        ([0], "from 1"),
        ([8], "number 8"),
        ([], "0 channels"),
        (["Left Leg", "EMG Chin"], "differ in rate"),
    ],
)
def test_what_cannot_be_chosen_is_reported_with_what_could(asked: list[str | int], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        choose(POLYSOMNOGRAPHY, asked)


def test_voltages_and_other_quantities_do_not_mix() -> None:
    candidates = [Candidate("a", "uV", 10.0), Candidate("b", "", 10.0)]
    with pytest.raises(ConfigurationError, match="voltages"):
        choose(candidates, [1, 2])


@pytest.mark.parametrize("rate_hz", [0.0, -5.0, 1e9, math.inf, math.nan])
def test_an_absurd_rate_is_reported(rate_hz: float) -> None:
    with pytest.raises(RecordingError, match="samples a second"):
        choose([Candidate("EMG", "uV", rate_hz)], None)


def test_a_file_without_anything_like_emg_is_refused_with_a_list_of_its_signals() -> None:
    with pytest.raises(RecordingError, match=r"'Saturation'.*--channels"):
        choose([Candidate("Saturation", "%", 25.0)], None)


def test_more_channels_than_anyone_wears_need_a_choice() -> None:
    with pytest.raises(RecordingError, match="--channels"):
        choose([Candidate(f"EMG {i}", "uV", 1000.0) for i in range(65)], None)


def test_temperature_is_found_by_label_but_a_voltage_is_none() -> None:
    assert find_temperature(POLYSOMNOGRAPHY) == 5
    assert find_temperature([Candidate("Temporal lobe", "uV", 200.0)]) is None
