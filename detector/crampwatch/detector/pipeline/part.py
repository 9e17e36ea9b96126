"""What the pipeline expects of a part that has a state."""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Part"]


class Part(Protocol):
    """A part of the signal chain whose state consists of arrays and plain numbers."""

    def state(self) -> dict[str, Any]:
        """Return what has to be carried over to another process, by name; may share memory with the part."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned; `KeyError` where a value is missing."""
        ...
