"""docs/evaluation.md has a place for every section that is measured, and only those."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def measuring() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evaluation_page", ROOT / "benchmarks" / "evaluation_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_section_has_its_marks(measuring: ModuleType) -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    assert re.findall(r"<!-- measured: (\S+) -->\n", page) == list(measuring.SECTIONS)
    assert page.count("<!-- end -->\n") == len(measuring.SECTIONS)


def test_only_text_between_the_marks_is_replaced(measuring: ModuleType) -> None:
    page = "a\n<!-- measured: one -->\nold\n<!-- end -->\nb\n<!-- measured: two -->\nkept\n<!-- end -->\n"
    changed = measuring.replaced(page, "one", "new\n")
    assert changed == page.replace("old\n", "\nnew\n\n")
    with pytest.raises(ValueError, match="no section"):
        measuring.replaced(page, "three", "")


def test_figures_on_nights_are_called_simulated() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    assert "simulated accuracy" in page.partition("\n\n")[2][:120]
