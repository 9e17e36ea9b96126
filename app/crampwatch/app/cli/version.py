"""The version of crampwatch."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["version_text"]


def version_text() -> str:
    """Return the installed version; ``source`` if a source tree runs without being installed."""
    try:
        return version("crampwatch")
    except PackageNotFoundError:
        return "source"
