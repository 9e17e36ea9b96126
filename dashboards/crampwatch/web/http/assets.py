"""The page's bundled files, read once and served from memory."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crampwatch.protocol.errors import UnavailableError

__all__ = ["BUNDLE", "Asset", "load_assets"]

BUNDLE: Final = Path(__file__).parents[1] / "static" / "bundle"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page.

    Attributes:
        content: The file as bundled.
        gzipped: The same, compressed.
        media_type: Value of the Content-Type header.
        etag: Value of the ETag header, made from the content.
    """

    content: bytes
    gzipped: bytes
    media_type: str
    etag: str


def load_assets(folder: Path = BUNDLE) -> dict[str, Asset]:
    """Return the page's files by name.

    Raises:
        UnavailableError: The page was not bundled when crampwatch was installed.
    """
    assets = {path.name: _read_asset(path) for path in sorted(folder.glob("*")) if path.suffix in _TYPES}
    if "index.html" not in assets or "app.js" not in assets:
        raise UnavailableError(
            f"The live page is not in {folder}.",
            advice="It is built when crampwatch is installed: install it again (`pip install .` in the source folder), "
            "or run `python hatch_build.py` there.",
        )
    return assets


def _read_asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:24]
    return Asset(content, gzip.compress(content, 9, mtime=0), _TYPES[path.suffix], f'"{digest}"')
