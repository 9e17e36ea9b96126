"""Many pipelines pushed together report what each reports alone."""

import numpy as np
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.model.events import Features
from crampwatch.detector.pipeline.pipeline import Pipeline, push_together
from crampwatch.firmware_sim.scenarios import scenario
from numpy.typing import NDArray

BLOCK = 250


def nights() -> list[NDArray[np.float64]]:
    """Three minutes of unlike nights; one with a gap, one that begins late."""
    emg = [scenario(name, seed=seed).read(0, 180_000) for name, seed in (("cramp", 1), ("twitches", 2), ("night", 3))]
    emg[1][40_000:41_300] = np.nan
    return emg


def test_pipelines_pushed_together_give_the_events_of_each_alone() -> None:
    source = scenario("cramp", seed=1)
    alone = [Pipeline(source.stream) for _ in range(3)]
    together = [Pipeline(source.stream) for _ in range(3)]
    signals = nights()
    for at in range(0, 180_000, BLOCK):
        present = [place for place in range(3) if place < 2 or at >= 60_000]
        found = push_together([(together[place], at, signals[place][at : at + BLOCK]) for place in present])
        for place, events in zip(present, found, strict=True):
            expected = alone[place].push(at, signals[place][at : at + BLOCK])
            assert len(events) == len(expected)
            for ours, theirs in zip(events, expected, strict=True):
                if isinstance(ours, Features):
                    assert isinstance(theirs, Features)
                    np.testing.assert_allclose(ours.rms, theirs.rms, rtol=1e-6)
                    np.testing.assert_array_equal(ours.quality, theirs.quality)
                elif isinstance(ours, Episode):
                    assert isinstance(theirs, Episode)
                    assert (ours.episode_id, ours.revision, ours.kind) == (
                        theirs.episode_id,
                        theirs.revision,
                        theirs.kind,
                    )
                else:
                    assert ours == theirs
