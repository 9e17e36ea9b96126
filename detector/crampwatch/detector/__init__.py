"""Finds likely cramps in surface EMG: chunks of samples in, episodes out, no I/O in the core.

The names below are the public interface (docs/python.md). They keep their meaning within a major version; everything
else in this package is private and may change in any release.
"""

from crampwatch.detector.api.detect import detect
from crampwatch.detector.api.detector import Detector
from crampwatch.detector.model.episode import Episode, EpisodeStatus
from crampwatch.detector.model.events import SignalState
from crampwatch.protocol.kinds import EpisodeKind

__all__ = ["Detector", "Episode", "EpisodeKind", "EpisodeStatus", "SignalState", "detect"]
