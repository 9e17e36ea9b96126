"""Scenarios: the same samples however they are read, honest ground truth, and clear error messages."""

from functools import cache

import numpy as np
import pytest
from crampwatch.firmware_sim.physiology.cramp import Cramp
from crampwatch.firmware_sim.physiology.electrode import Dropout, LeadOff
from crampwatch.firmware_sim.physiology.event import Event
from crampwatch.firmware_sim.physiology.wearer import Traits, draw_wearer
from crampwatch.firmware_sim.scenarios import scenario, scenario_names
from crampwatch.firmware_sim.scenarios.schedule import FiniteSchedule, Plan
from crampwatch.firmware_sim.scenarios.simulation import Simulation
from crampwatch.firmware_sim.signal_source import SignalSource
from crampwatch.firmware_sim.simulated_recording import COUNT_MAX, COUNT_MIN, simulated_recording, to_counts
from crampwatch.protocol.errors import ConfigurationError, RecordingError
from crampwatch.protocol.kinds import EpisodeKind
from crampwatch.protocol.stream import SampleFormat, StreamKind
from crampwatch.recordings.truth import TruthEvent, decode_truth, encode_truth
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = tuple(scenario_names())


@cache
def source(name: str, seed: int = 1, hours: float | None = 0.1) -> SignalSource:
    return scenario(name, seed=seed, hours=hours)


@given(
    name=st.sampled_from(["cramp", "twitches", "night-hard"]),
    first=st.integers(0, 60_000),
    cuts=st.lists(st.integers(0, 20_000), max_size=5),
)
@settings(max_examples=12, deadline=None)
def test_any_chunking_gives_the_same_samples(name: str, first: int, cuts: list[int]) -> None:
    whole = source(name).read(first, 20_000)
    fresh = scenario(name, seed=1, hours=0.1)
    smooth_gate = [0, *sorted(cuts), 20_000]
    order = sorted(range(len(smooth_gate) - 1), key=lambda number: -number % 3)
    for number in order:
        start, stop = smooth_gate[number], smooth_gate[number + 1]
        assert np.array_equal(fresh.read(first + start, stop - start), whole[start:stop], equal_nan=True)


@pytest.mark.parametrize("name", ["cramp", "walking", "night-hard"])
def test_a_seed_gives_the_same_night_again_and_another_seed_another(name: str) -> None:
    here, again, other = (scenario(name, seed=seed, hours=0.05) for seed in (4, 4, 5))
    assert np.array_equal(here.read(5000, 9000), again.read(5000, 9000), equal_nan=True)
    assert here.truth == again.truth
    assert not np.array_equal(here.read(5000, 9000), other.read(5000, 9000), equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_truth_is_in_order_and_within_the_recording(name: str) -> None:
    truth, last_s = source(name).truth, 0.1 * 3600
    assert list(truth) == sorted(truth, key=lambda event: event.onset_s)
    for event in truth:
        assert 0 <= event.onset_s < event.offset_s <= last_s
        assert set(event.channels) <= {0, 1}
        assert event.channels
        assert event.peak_uv >= 0


@pytest.mark.parametrize("name", NAMES)
def test_blocks_join_without_a_seam(name: str) -> None:
    samples = scenario(name, seed=2, hours=0.1).read(8192 * 3 - 2000, 4000)
    steps = np.abs(np.diff(samples, axis=0))
    quiet = np.nanmedian(steps, axis=0)
    assert (steps[1995:2005] < 60 * quiet + 300).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_demonstration_cramps_between_15_and_30_s_and_twitches_before(seed: int) -> None:
    truth = scenario("cramp", seed=seed, hours=0.2).truth
    cramps = [event for event in truth if event.kind is EpisodeKind.CRAMP]
    assert 15 <= cramps[0].onset_s <= 30
    assert cramps[0].snr_db > 15
    assert cramps[0].duration_s >= 8
    assert any(event.kind is EpisodeKind.TWITCH and event.offset_s < cramps[0].onset_s for event in truth)
    assert len(cramps) >= 3
    assert max(np.diff([cramp.onset_s for cramp in cramps])) < 300


def test_the_demonstration_never_ends() -> None:
    endless = scenario("cramp", seed=1)
    assert endless.duration_samples is None
    far = 200 * 3600 * 1000
    assert endless.read(far, 100).shape == (100, 2)
    assert np.array_equal(endless.read(far, 100), scenario("cramp", seed=1).read(far, 100))


def test_a_cramp_stands_out_where_its_truth_places_it() -> None:
    signal = scenario("cramp", seed=3, hours=0.05)
    cramp = next(event for event in signal.truth if event.kind is EpisodeKind.CRAMP)
    channel = cramp.channels[0]
    inside = signal.read(int((cramp.onset_s + 6) * 1000), 2000)[:, channel]
    outside = signal.read(int((cramp.onset_s - 1.5) * 1000), 1000)[:, channel]
    assert inside.std() > 5 * outside.std()


@pytest.mark.parametrize("name", ["quiet", "twitches", "restless", "walking", "night-calm"])
def test_scenarios_without_cramp_have_none(name: str) -> None:
    assert not [event for event in scenario(name, seed=1, hours=0.15).truth if event.kind is EpisodeKind.CRAMP]


def test_a_night_has_cramps_and_many_look_alikes() -> None:
    truth = scenario("night", seed=1, hours=2.0, rate_hz=200.0).truth
    cramps = [event for event in truth if event.kind is EpisodeKind.CRAMP]
    look_alikes = [event for event in truth if event.kind not in (EpisodeKind.CRAMP, EpisodeKind.ARTEFACT)]
    assert 1 <= len(cramps) <= 3
    assert len(look_alikes) > 30
    assert len({event.label for event in look_alikes}) > 4


@pytest.mark.parametrize(("rate_hz", "channels"), [(200.0, 1), (250.0, 4), (500.0, 3), (2000.0, 2)])
def test_other_rates_and_channels(rate_hz: float, channels: int) -> None:
    signal = scenario("cramp", seed=1, hours=0.02, channels=channels, rate_hz=rate_hz)
    samples = signal.read(0, 10**9)
    assert samples.shape == (round(72 * rate_hz), channels)
    assert np.isfinite(samples).all()
    assert signal.stream.rate_hz == rate_hz
    assert signal.stream.band_hz[1] <= 0.45 * rate_hz
    assert len(signal.stream.labels) == channels


def test_the_stream_describes_itself() -> None:
    stream = source("night").stream
    assert (stream.kind, stream.format, stream.channels) == (StreamKind.EMG, SampleFormat.INT16, 2)
    assert stream.has_scale
    assert stream.labels == ("abductor hallucis", "flexor hallucis brevis")


def test_reading_past_the_end_gives_what_there_is() -> None:
    signal = source("quiet")
    assert signal.read(359_990, 100).shape == (10, 2)
    assert signal.read(360_000, 100).shape == (0, 2)


def test_temperature_reads_the_same_in_pieces_and_is_a_foots() -> None:
    signal = source("night", hours=None)
    whole = signal.temperature_c(0, 28_800)
    assert np.array_equal(np.concatenate([signal.temperature_c(0, 7), signal.temperature_c(7, 28_793)]), whole)
    assert 18 < whole.min() < whole.max() < 38
    assert whole[10_000:].mean() > whole[:60].mean()


def simulated(*entries: tuple[float, Event]) -> Simulation:
    """Two minutes of a foot with just these events."""

    def plan_them(_rng: np.random.Generator, plan: Plan) -> None:
        for onset_s, event in entries:
            plan.add(onset_s, event)

    wearer = draw_wearer(1, Traits(), channels=2, rate_hz=1000.0)
    return Simulation(wearer, FiniteSchedule(1, 120.0, 2, plan_them), hours=120.0 / 3600.0)


def test_a_lead_at_the_rail_shows_in_contact_and_samples() -> None:
    signal = simulated((40.0, LeadOff(1, 20.0, "rail", flaps=0)))
    assert signal.contact(39.0) == (True, True)
    assert signal.contact(50.0) == (True, False)
    samples = signal.read(50_000, 1000)
    assert np.ptp(samples[:, 1]) == 0
    assert np.ptp(samples[:, 0]) > 0
    assert signal.truth[0].label == "lead_off_rail"


def test_an_open_lead_hums_and_hides_the_muscle_and_may_go_unnoticed() -> None:
    cramp = Cramp(1, 60.0, 60.0, onset="abrupt", heralds=0, after_twitches=0)
    signal = simulated((40.0, LeadOff(1, 20.0, "open", flaps=0, is_sensed=False)), (20.0, cramp))
    assert signal.contact(50.0) == (True, True)
    samples = signal.read(48_000, 8000)[:, 1]
    power = np.abs(np.fft.rfft(samples)) ** 2
    assert power[8 * 45 : 8 * 65].sum() > 0.97 * power[8 * 10 :].sum()


def test_a_dropout_is_missing_on_every_channel() -> None:
    samples = simulated((40.0, Dropout(0.5))).read(39_000, 3000)
    assert np.isnan(samples).all(axis=1).sum() == 500
    assert np.isfinite(samples[:1000]).all()


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nap", {}, "night-hard"),
        ("night", {"seed": -1}, "negative"),
        ("night", {"hours": 0.0}, "hours"),
        ("night", {"hours": float("nan")}, "hours"),
        ("night", {"channels": 5}, "1 to 4"),
        ("night", {"rate_hz": 10.0}, "100"),
    ],
)
def test_what_cannot_be_simulated_is_refused_clearly(name: str, arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        scenario(name, **({"seed": 1} | arguments))  # type: ignore[arg-type] # wrong on purpose


def test_counts_round_and_saturate() -> None:
    counts = to_counts(np.array([[0.12, -0.13], [1e6, -1e6]]), 0.25)
    assert counts.dtype == np.int16
    assert counts.tolist() == [[0, -1], [COUNT_MAX, COUNT_MIN]]


def test_a_simulated_recording_holds_every_sample_once_and_keeps_gaps() -> None:
    signal = simulated((20.0, Dropout(0.5)), (60.0, Dropout(3.0)))
    samples = signal.read(0, 120_000)
    recording = simulated_recording(signal)
    assert recording.temperature is not None
    assert len(recording.temperature.values_c) == 120
    assert np.isnan(samples).any()
    assert np.array_equal(np.isnan(recording.samples()), np.isnan(samples))
    assert np.nanmax(np.abs(recording.samples() - samples)) <= 0.51 * signal.stream.lsb_uv


def test_an_endless_source_needs_an_end_to_be_recorded() -> None:
    with pytest.raises(ConfigurationError, match="never ends"):
        simulated_recording(scenario("cramp", seed=1))
    assert len(simulated_recording(scenario("cramp", seed=1), stop_index=5000).samples()) == 5000


events = st.builds(
    TruthEvent,
    kind=st.sampled_from(EpisodeKind),
    label=st.text(max_size=20),
    onset_s=st.floats(0, 1e5),
    offset_s=st.floats(0, 1e5),
    channels=st.lists(st.integers(0, 3), max_size=4).map(tuple),
    peak_uv=st.floats(0, 1e5),
    snr_db=st.floats(-50, 80),
)


@given(st.lists(events, max_size=5))
def test_truth_survives_writing_and_reading(written: list[TruthEvent]) -> None:
    assert decode_truth(encode_truth(written)) == tuple(written)


@pytest.mark.parametrize("text", ["nonsense\n", "[1]\n", '{"kind": "cramp"}\n', '{"kind": "sneeze"}\n'])
def test_what_is_not_truth_is_refused(text: str) -> None:
    with pytest.raises(RecordingError, match="truth"):
        decode_truth(text)
