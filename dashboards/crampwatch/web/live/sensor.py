"""All the page knows about one sensor."""

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
from crampwatch.web.settings.model.sensor_labels import SensorLabel, labelled

__all__ = ["LATEST_LEAVES", "SensorLive", "as_disconnected"]

LATEST_LEAVES: Final = frozenset({Leaf.STATUS, Leaf.INFO, Leaf.STATE, Leaf.TEMPERATURE, Leaf.BATTERY, Leaf.LINK})
"""Leaves of which only the newest message matters."""


class SensorLive:
    """One sensor's newest messages and last minutes of curves."""

    def __init__(self) -> None:
        self._origin = Origin.LIVE
        self._latest: dict[Leaf, Message] = {}
        self._changed: set[Leaf] = set()
        self._waveform: Waveform | None = None
        self._history: FeatureHistory | None = None
        self._unit = ""
        self._heard_s: float | None = None
        self._is_fresh = False
        self._is_reset = False
        self._label: SensorLabel | None = None

    @property
    def origin(self) -> Origin:
        """Where its data comes from."""
        return self._origin

    @property
    def newest_ns(self) -> int | None:
        """When the newest sample ended."""
        return self._waveform.newest_ns if self._waveform else None

    @property
    def info(self) -> SensorInfo | None:
        """Who it is, if it said so."""
        info = self._latest.get(Leaf.INFO)
        return info if isinstance(info, SensorInfo) else None

    def set_label(self, label: SensorLabel | None) -> None:
        """Take how a person calls it; None: as it calls itself."""
        if label != self._label and Leaf.INFO in self._latest:
            self._changed.add(Leaf.INFO)
        self._label = label

    def add_latest(self, leaf: Leaf, message: Message) -> None:
        """Take a message that replaces the one before it, unless it is older."""
        old = self._latest.get(leaf)
        if old is not None and message.t_ns < old.t_ns and _same_session(old, message):
            return
        self._origin = message.origin
        self._latest[leaf] = message
        self._changed.add(leaf)

    def lose(self) -> None:
        """Take that nobody is connected to it any more: whoever was had no time to say so."""
        for leaf, message in self._latest.items():
            if (lost := as_disconnected(message)) != message:
                self._latest[leaf] = lost
                self._changed.add(leaf)

    def add_block(self, block: SampleBlock, *, now_s: float) -> None:
        """Take samples; those of other streams than the first EMG stream are not drawn."""
        if not self._is_drawn(block.stream):
            return
        channels = block.counts.shape[1]
        if self._waveform is None or self._waveform.channels != channels:
            self._waveform = Waveform(channels=channels)
            self._is_reset = True
        self._origin = _origin_of(block)
        self._unit = "uV" if math.isfinite(block.lsb) else "relative"
        before = self._waveform.coarse.end
        self._waveform.add(block)
        self._is_reset |= _went_back(before, self._waveform.coarse)
        if BlockFlag.STORED not in block.flags:
            self._heard_s = now_s
            self._is_fresh = True

    def add_features(self, features: Features) -> None:
        """Take what the detector measured."""
        channels = len(features.channels)
        if not channels:
            return
        if self._history is None or self._history.ring.channels != channels:
            self._history = FeatureHistory(channels=channels)
            self._is_reset = True
        before = self._history.ring.end
        self._history.add(features)
        self._is_reset |= _went_back(before, self._history.ring)

    def picture(self, *, now_s: float) -> SensorUpdate:
        """Return all that is known."""
        return self._update(set(self._latest), now_s=now_s, every=True)

    def drain_changes(self, *, now_s: float) -> SensorUpdate | None:
        """Return what changed since last taken; None if nothing did."""
        update = self._update(self._changed, now_s=now_s, every=self._is_reset)
        for ring in self._rings():
            if ring is not None:
                ring.discard_changes()
        is_changed = bool(self._changed or self._is_fresh or update.fine or update.coarse or update.features)
        self._changed, self._is_fresh, self._is_reset = set(), False, False
        return update if is_changed else None

    def _update(self, leaves: set[Leaf], *, now_s: float, every: bool) -> SensorUpdate:
        fine, coarse, features = (_curves(ring, every=every) for ring in self._rings())
        silent_s = None if self._heard_s is None else round(max(now_s - self._heard_s, 0.0), 3)
        return SensorUpdate(
            origin=self._origin,
            channels=self._waveform.channels if self._waveform else 0,
            unit=self._unit,
            newest_ns=self.newest_ns,
            silent_s=silent_s if every or self._is_fresh else None,
            reset=every,
            fine=fine,
            coarse=coarse,
            features=features,
            **{leaf.value: self._shown(leaf) for leaf in leaves},  # type: ignore[arg-type] # each leaf has its class
        )

    def _shown(self, leaf: Leaf) -> Message:
        message = self._latest[leaf]
        return labelled(message, self._label) if isinstance(message, SensorInfo) else message

    def _rings(self) -> tuple[Ring | None, Ring | None, Ring | None]:
        waveform, history = self._waveform, self._history
        return (
            waveform.fine if waveform else None,
            waveform.coarse if waveform else None,
            history.ring if history else None,
        )

    def _is_drawn(self, stream: int) -> bool:
        if self.info is None:
            return True
        emg = [described.stream for described in self.info.streams if described.kind == "emg"]
        return not emg or stream == min(emg)


def as_disconnected(message: Message) -> Message:
    """Return what a message says of a sensor that nobody is connected to."""
    match message:
        case Link():
            return msgspec.structs.replace(message, connected=False, rssi_dbm=None)
        case ServiceStatus():
            return msgspec.structs.replace(message, online=False)
    return message


def _curves(ring: Ring | None, *, every: bool) -> list[Curve]:
    if ring is None:
        return []
    return [pack(stretch) for stretch in (ring.all_stretches() if every else ring.drain_changes())]


def _went_back(before: int | None, ring: Ring) -> bool:
    return before is not None and ring.end is not None and ring.end < before


def _same_session(old: Message, new: Message) -> bool:
    return getattr(old, "session", None) == getattr(new, "session", None)


def _origin_of(block: SampleBlock) -> Origin:
    if BlockFlag.REPLAY in block.flags:
        return Origin.REPLAY
    return Origin.DEMO if BlockFlag.SIMULATED in block.flags else Origin.LIVE
