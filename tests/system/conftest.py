"""What the system tests need of the machine."""

import sys

import pytest
from lanes.lanes import unavailable


@pytest.fixture(autouse=True)
def _linux() -> None:
    if not sys.platform.startswith("linux"):
        unavailable("the system tests look at processes through /proc: run them on Linux")
