"""State of one sensor: its newest messages and its curves of the last minutes."""

import math
from typing import Final

import msgspec
from crampwatch.protocol.block import BlockFlag, SampleBlock
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import Features, Link, Message, SensorInfo, ServiceStatus
from crampwatch.protocol.topics import Leaf
from crampwatch.web.live.features import FeatureHistory
from crampwatch.web.live.ring import Ring
from crampwatch.web.live.schema import Curve, SensorUpdate, pack
from crampwatch.web.live.waveform import Waveform
from crampwatch.web.model.sensor_labels import SensorLabel, apply_label

__all__ = ["LATEST_LEAVES", "SensorLive", "as_disconnected"]

LATEST_LEAVES: Final = frozenset({Leaf.STATUS, Leaf.INFO, Leaf.STATE, Leaf.TEMPERATURE, Leaf.BATTERY, Leaf.LINK})
"""Topics on which the newest message replaces the one before."""


class SensorLive:
    """One sensor's newest messages and curves, and what of them changed since the last call of `drain_changes`."""

    def __init__(self) -> None:
        self._origin = Origin.LIVE
        self._latest: dict[Leaf, Message] = {}
        self._changed: set[Leaf] = set()
        self._waveform: Waveform | None = None
        self._features: FeatureHistory | None = None
        self._unit = ""
        self._last_seen_s: float | None = None
        self._is_fresh = False
        self._is_reset = False
        self._label: SensorLabel | None = None

    @property
    def origin(self) -> Origin:
        """Origin of its newest data."""
        return self._origin

    @property
    def newest_ns(self) -> int | None:
        """End of the newest live sample, UTC; None before the first."""
        return self._waveform.newest_ns if self._waveform else None

    @property
    def info(self) -> SensorInfo | None:
        """Its info message as it sent it, without the names people gave it; None before it arrives."""
        info = self._latest.get(Leaf.INFO)
        return info if isinstance(info, SensorInfo) else None

    def set_label(self, label: SensorLabel | None) -> None:
        """Set the name and placement a person gave it; None for the sensor's own."""
        if label != self._label and Leaf.INFO in self._latest:
            self._changed.add(Leaf.INFO)
        self._label = label

    def add_latest(self, leaf: Leaf, message: Message) -> None:
        """Store a message that replaces the one before it, unless it is older within the same session."""
        old = self._latest.get(leaf)
        if old is not None and message.t_ns < old.t_ns and _is_same_session(old, message):
            return
        self._origin = message.origin
        self._latest[leaf] = message
        self._changed.add(leaf)

    def mark_disconnected(self) -> None:
        """Show the sensor as disconnected: its collector is gone and could not report that itself."""
        for leaf, message in self._latest.items():
            if (disconnected := as_disconnected(message)) != message:
                self._latest[leaf] = disconnected
                self._changed.add(leaf)

    def add_block(self, block: SampleBlock, *, now_s: float) -> None:
        """Add samples; only the first EMG stream is drawn.

        Backfilled samples fill the curves but do not make a silent sensor look live.
        """
        if not self._is_drawn(block.stream):
            return
        channels = block.counts.shape[1]
        if self._waveform is None or self._waveform.channels != channels:
            self._waveform = Waveform(channels=channels)
            self._is_reset = True
        self._origin = _block_origin(block)
        self._unit = "uV" if math.isfinite(block.lsb) else "relative"
        before = self._waveform.coarse.end
        self._waveform.add_block(block)
        self._is_reset |= _has_restarted(before, self._waveform.coarse)
        if BlockFlag.STORED not in block.flags:
            self._last_seen_s = now_s
            self._is_fresh = True

    def add_features(self, features: Features) -> None:
        """Add the detector's envelope, floor and threshold."""
        channels = len(features.channels)
        if not channels:
            return
        if self._features is None or self._features.ring.channels != channels:
            self._features = FeatureHistory(channels=channels)
            self._is_reset = True
        before = self._features.ring.end
        self._features.add(features)
        self._is_reset |= _has_restarted(before, self._features.ring)

    def snapshot(self, *, now_s: float) -> SensorUpdate:
        """Return the complete state."""
        return self._make_update(set(self._latest), now_s=now_s, is_complete=True)

    def drain_changes(self, *, now_s: float) -> SensorUpdate | None:
        """Return what changed since the last call; None if nothing did."""
        update = self._make_update(self._changed, now_s=now_s, is_complete=self._is_reset)
        for ring in self._all_rings():
            if ring is not None:
                ring.discard_changes()
        is_changed = bool(self._changed or self._is_fresh or update.fine or update.coarse or update.features)
        self._changed, self._is_fresh, self._is_reset = set(), False, False
        return update if is_changed else None

    def _make_update(self, leaves: set[Leaf], *, now_s: float, is_complete: bool) -> SensorUpdate:
        fine, coarse, features = (_pack_curves(ring, is_complete=is_complete) for ring in self._all_rings())
        silent_s = None if self._last_seen_s is None else round(max(now_s - self._last_seen_s, 0.0), 3)
        return SensorUpdate(
            origin=self._origin,
            channels=self._waveform.channels if self._waveform else 0,
            unit=self._unit,
            newest_ns=self.newest_ns,
            silent_s=silent_s if is_complete or self._is_fresh else None,
            reset=is_complete,
            fine=fine,
            coarse=coarse,
            features=features,
            **{leaf.value: self._labelled_message(leaf) for leaf in leaves},  # type: ignore[arg-type] # each leaf has its class
        )

    def _labelled_message(self, leaf: Leaf) -> Message:
        message = self._latest[leaf]
        return apply_label(message, self._label) if isinstance(message, SensorInfo) else message

    def _all_rings(self) -> tuple[Ring | None, Ring | None, Ring | None]:
        waveform, features = self._waveform, self._features
        return (
            waveform.fine if waveform else None,
            waveform.coarse if waveform else None,
            features.ring if features else None,
        )

    def _is_drawn(self, stream: int) -> bool:
        if self.info is None:
            return True
        emg = [described.stream for described in self.info.streams if described.kind == "emg"]
        return not emg or stream == min(emg)


def as_disconnected(message: Message) -> Message:
    """Return a link or status message as it would be without a connection; other messages unchanged."""
    match message:
        case Link():
            return msgspec.structs.replace(message, connected=False, rssi_dbm=None)
        case ServiceStatus():
            return msgspec.structs.replace(message, online=False)
    return message


def _pack_curves(ring: Ring | None, *, is_complete: bool) -> list[Curve]:
    if ring is None:
        return []
    return [pack(segment) for segment in (ring.all_segments() if is_complete else ring.drain_changes())]


def _has_restarted(before: int | None, ring: Ring) -> bool:
    return before is not None and ring.end is not None and ring.end < before


def _is_same_session(old: Message, new: Message) -> bool:
    return getattr(old, "session", None) == getattr(new, "session", None)


def _block_origin(block: SampleBlock) -> Origin:
    if BlockFlag.REPLAY in block.flags:
        return Origin.REPLAY
    return Origin.DEMO if BlockFlag.SIMULATED in block.flags else Origin.LIVE
