"""Messages for store tests."""

from typing import Any

import numpy as np
from crampwatch.protocol import messages
from crampwatch.protocol.kinds import EpisodeKind, Origin
from crampwatch.store.model.raw_excerpt import RawChunk

T0_NS = 1_700_000_000_000_000_000
S_NS = 1_000_000_000
SESSION = "5a1c0e00-0000-4000-8000-000000000001"


def episode(n: int = 0, **changes: Any) -> messages.Episode:
    """Return a cramp that starts `n` minutes after `T0_NS` and lasts 30 s."""
    values: dict[str, Any] = {
        "sensor": "left",
        "t_ns": T0_NS + n * 60 * S_NS,
        "origin": Origin.DEMO,
        "id": f"left-0000002a-{n:08d}",
        "revision": 1,
        "status": "closed",
        "kind": EpisodeKind.CRAMP,
        "session": SESSION,
        "boot_id": 42,
        "onset_ns": T0_NS + n * 60 * S_NS,
        "offset_ns": T0_NS + (n * 60 + 30) * S_NS,
        "onset_index": n * 60_000,
        "offset_index": n * 60_000 + 30_000,
        "detected_index": n * 60_000 + 5_000,
        "rate_hz": 1000.0,
        "channels": (1, 0),
        "confidence": 0.83,
        "peak": 412.5,
        "unit": "uV",
        "reasons": ('long, "steady"', "rose slowly\nfrom rest, \\o/"),
    }
    return messages.Episode(**(values | changes))


def features(step: int, steps: int = 5, *, channels: int = 2, **changes: Any) -> messages.Features:
    """Return a batch at a 0.1 s grid, whose values contain step and channel."""
    values: dict[str, Any] = {
        "sensor": "left",
        "t_ns": T0_NS + step * 100_000_000,
        "origin": Origin.DEMO,
        "session": SESSION,
        "boot_id": 42,
        "first_index": step * 100,
        "step_samples": 100,
        "step_s": 0.1,
        "unit": "uV",
        "channels": tuple(
            messages.ChannelFeatures(
                rms=tuple(float(n + channel) for n in range(step, step + steps)),
                envelope=tuple(float(2 * n + channel) for n in range(step, step + steps)),
                floor=(1.5,) * steps,
                threshold=(6.0,) * steps,
                median_hz=(None,) * steps,
            )
            for channel in range(channels)
        ),
    }
    return messages.Features(**(values | changes))


def raw(chunk: int, *, holes: tuple[int, ...] = (), **changes: Any) -> RawChunk:
    """Return a second of raw EMG at 100 Hz whose values contain index and channel; `holes` are missing."""
    values = chunk * 100.0 + np.arange(100.0)[:, None] + np.array([0.0, 0.5])
    values[[index - chunk * 100 for index in holes]] = np.nan
    fields: dict[str, Any] = {
        "sensor": "left",
        "t_ns": T0_NS + chunk * S_NS,
        "origin": Origin.DEMO,
        "session": SESSION,
        "boot_id": 42,
        "stream": 1,
        "chunk": chunk,
        "rate_hz": 100.0,
        "unit": "uV",
        "channels": 2,
        "packed": values.astype("<f4").tobytes(),
    }
    return RawChunk(**(fields | changes))


def temperature(n: int, celsius: float | None) -> messages.Temperature:
    """Return a temperature `n` seconds after `T0_NS`."""
    return messages.Temperature(sensor="left", t_ns=T0_NS + n * S_NS, origin=Origin.DEMO, celsius=celsius)


def info(sensor: str = "left", **changes: Any) -> messages.SensorInfo:
    """Return a sensor's info message."""
    values: dict[str, Any] = {
        "sensor": sensor,
        "t_ns": T0_NS,
        "origin": Origin.DEMO,
        "session": SESSION,
        "name": "CW left",
        "profile": "cws",
        "boot_id": 42,
        "streams": (
            messages.StreamInfo(stream=1, kind="emg", channels=2, rate_hz=1000.0, lsb_uv=0.5, band_hz=(10.0, 450.0)),
        ),
        "started_ns": T0_NS,
        "utc_offset_s": 3600,
    }
    return messages.SensorInfo(**(values | changes))


def notice(n: int, **changes: Any) -> messages.Notice:
    """Return a notice `n` seconds after `T0_NS`."""
    values: dict[str, Any] = {
        "sensor": "left",
        "t_ns": T0_NS + n * S_NS,
        "origin": Origin.DEMO,
        "id": f"notice-{n}",
        "severity": "alarm",
        "code": "cramp",
        "text": "Likely cramp",
    }
    return messages.Notice(**(values | changes))


def journal(n: int, **changes: Any) -> messages.JournalEntry:
    """Return a note `n` seconds after `T0_NS`."""
    values: dict[str, Any] = {
        "sensor": "left",
        "t_ns": T0_NS + n * S_NS,
        "origin": Origin.DEMO,
        "id": f"note-{n}",
        "entry": "pain",
        "text": "it hürts",
        "value": 7.0,
    }
    return messages.JournalEntry(**(values | changes))
