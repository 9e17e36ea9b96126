"""Which version runs."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["version_text"]


def version_text() -> str:
    """Return the installed version; ``source`` where it runs from a source tree that is not installed."""
    try:
        return version("crampwatch")
    except PackageNotFoundError:
        return "source"
