"""A scene with everything in it gives the same reports in live-sized blocks as in one piece."""

import numpy as np
from crampwatch.detector.model.episode import Episode
from crampwatch.detector.model.events import Event, StateChange
from crampwatch.detector.pipeline.pipeline import Pipeline
from signals.detector_recordings import stream
from signals.muscle_generator import busy_scene


def reported(events: list[Event]) -> list[tuple[object, ...]]:
    return [
        (one.index, one.state)
        if isinstance(one, StateChange)
        else (one.status, one.episode_id, one.revision, one.kind, one.onset_index, one.offset_index)
        for one in events
        if isinstance(one, StateChange | Episode)
    ]


def test_live_blocks_checkpoints_and_one_big_block_agree() -> None:
    scene = busy_scene(3, rate_hz=250.0, duration_s=420.0)
    description = stream(250.0, scene.channels)
    whole = Pipeline(description)
    at_once = [*whole.push(0, scene.emg), *whole.finish()]
    live, events = Pipeline(description), []
    rng = np.random.default_rng(0)
    index = 0
    while index < len(scene.emg):
        size = int(rng.integers(5, 200))
        events += live.push(index, scene.emg[index : index + size])
        index += size
        if rng.uniform() < 0.2:
            live = Pipeline.from_state(live.to_state())
    events += live.finish()
    assert reported(events) == reported(at_once)
    assert len(reported(events)) > 40
