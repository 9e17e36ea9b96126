"""What a lane needs that pip cannot give: system programs and the shared recordings.

A lane that cannot run says what would enable it. With ``CRAMPWATCH_REQUIRE_LANES=1``, as in CI, it fails instead.
"""

import os
import shutil
from pathlib import Path

import pytest

_SBIN = os.pathsep.join(["/usr/sbin", "/usr/local/sbin", "/sbin"])
_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def require_program(name: str, package: str) -> Path:
    """Return the path of a system program; skip, or fail in CI, where it is absent."""
    found = shutil.which(name) or shutil.which(name, path=_SBIN)
    if found is None:
        unavailable(f"{name} is not installed: install the Debian package {package} to run this lane")
    return Path(str(found))


def shared_data(*parts: str) -> Path:
    """Return the path of a shared recording; skip, or fail in CI, where the recordings are absent."""
    path = _DATA.joinpath(*parts)
    if not path.exists():
        unavailable(f"{path.name} is absent: put the shared recordings in ../shared/data to run this test")
    return path


def unavailable(reason: str) -> None:
    """Skip a test for want of something, which the reason names; fail in CI."""
    if os.environ.get("CRAMPWATCH_REQUIRE_LANES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
