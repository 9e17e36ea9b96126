"""Raw objects of MNE-Python as a source of EMG. They are recognised by what they offer: MNE is not imported.

Which channels are used: those of type `emg`, without the ones marked as bad. Readers of MNE give nearly every channel
the type `eeg` by default; where no channel has the type `emg`, those with `EMG` in the name are used, and failing that
all with voltages, with a warning.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from crampwatch.detector.pipeline.batch import BLOCK_S
from crampwatch.protocol.samples import without_absurd
from numpy.typing import NDArray

__all__ = ["RawLike", "emg_picks", "read_uv"]

_log = logging.getLogger(__name__)

_UV_PER_V: Final = 1e6  # MNE has SI units throughout
_VOLTAGES: Final = frozenset({"emg", "eeg", "eog", "ecg", "bio", "misc", "seeg", "dbs", "ecog"})


@runtime_checkable
class RawLike(Protocol):
    """What is needed of an `mne.io.Raw`."""

    @property
    def info(self) -> Mapping[str, Any]:
        """Measurement information; `sfreq` and `bads` are used."""
        ...

    @property
    def ch_names(self) -> Sequence[str]:
        """Channel names, in the order of the data."""
        ...

    @property
    def n_times(self) -> int:
        """Samples per channel."""
        ...

    def get_channel_types(self) -> list[str]:
        """Return the type of each channel."""
        ...

    def get_data(self, **options: Any) -> NDArray[np.float64]:
        """Return data, (channels, samples), in SI units."""
        ...


def emg_picks(raw: RawLike, *, stacklevel: int) -> list[int]:
    """Return the positions of the channels to analyse, and log their names.

    Raises:
        ValueError: None can be EMG.
    """
    types, bads = raw.get_channel_types(), set(raw.info["bads"])
    usable = [place for place, name in enumerate(raw.ch_names) if name not in bads and types[place] in _VOLTAGES]
    typed = [place for place in usable if types[place] == "emg"]
    named = [place for place in usable if "emg" in raw.ch_names[place].lower()]
    picks = typed or named or usable
    if not picks:
        listed = ", ".join(f"{name} ({kind})" for name, kind in zip(raw.ch_names, types, strict=True))
        raise ValueError(f"this Raw has no channel that could be EMG: {listed}; bad: {sorted(bads) or 'none'}")
    names = ", ".join(raw.ch_names[place] for place in picks)
    if not typed and not named:
        warnings.warn(
            f"no channel of this Raw has the type emg or EMG in its name; analysing {names}. "
            "Set types with raw.set_channel_types, or choose with raw.copy().pick",
            UserWarning,
            stacklevel=stacklevel,
        )
    _log.info("analysing the channels %s", names)
    return picks


def read_uv(raw: RawLike, picks: Sequence[int]) -> Iterator[NDArray[np.float64]]:
    """Yield consecutive pieces in microvolts, (n, channels); NaN in segments that are annotated as bad."""
    step = max(1, round(BLOCK_S * float(raw.info["sfreq"])))
    for start in range(0, raw.n_times, step):
        stop = min(start + step, raw.n_times)
        data = raw.get_data(picks=list(picks), start=start, stop=stop, reject_by_annotation="NaN", verbose="error")
        yield without_absurd(np.asarray(data).T, factor=_UV_PER_V)
