"""What the system tests need of the machine."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _linux() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the system tests look at processes through /proc: run them on Linux")
