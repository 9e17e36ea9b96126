"""What holds of the source tree as a whole."""

import ast
import statistics
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ["protocol", "firmware-sim", "collector", "detector", "dashboards", "app"]


def _files() -> list[Path]:
    return [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]


def _function_lengths() -> dict[str, int]:
    lengths = {}
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths[f"{path.relative_to(ROOT)}:{node.lineno}"] = (node.end_lineno or node.lineno) - node.lineno + 1
    return lengths


def test_no_namespace_root_has_an_init_that_would_hide_the_other_stages() -> None:
    assert [path for folder in SOURCES for path in (ROOT / folder).glob("crampwatch/__init__.py")] == []


def test_every_package_has_an_init() -> None:
    packages = {path.parent for path in _files()}
    roots = {ROOT / folder / "crampwatch" for folder in SOURCES}
    assert sorted(p for p in packages - roots if not (p / "__init__.py").exists()) == []


def test_the_median_function_is_at_most_15_lines_and_none_longer_than_60() -> None:
    lengths = _function_lengths()
    assert statistics.median(lengths.values()) <= 15
    assert {where: lines for where, lines in lengths.items() if lines > 60} == {}


def test_no_folder_has_more_than_twenty_modules() -> None:
    folders = [
        path.parent for path in (*_files(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py"))
    ]
    crowded = {str(folder.relative_to(ROOT)): count for folder, count in Counter(folders).items() if count > 20}
    assert crowded == {}
