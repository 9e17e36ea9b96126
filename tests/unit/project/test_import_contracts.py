"""The import contracts of pyproject.toml bite: what they forbid is found wherever it is planted."""

import tomllib
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter import configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.protected import ProtectedContract

configuration.configure()

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
CONTRACTS: list[dict[str, Any]] = OPTIONS["contracts"]
PURE = next(one for one in CONTRACTS if one["type"] == "forbidden")
ACYCLIC = next(one for one in CONTRACTS if one["type"] == "acyclic_siblings")
PROTECTED = [one for one in CONTRACTS if one["type"] == "protected"]

SHELLS = {
    "crampwatch.bus",
    "crampwatch.journal",
    "crampwatch.recordings",
    "crampwatch.firmware_sim.radio",
    "crampwatch.collector.ble",
    "crampwatch.collector.recording",
    "crampwatch.detector.api",
    "crampwatch.detector.service",
    "crampwatch.store.influx",
    "crampwatch.store.ingest",
    "crampwatch.store.sqlite",
    "crampwatch.web.backups",
    "crampwatch.web.http",
    "crampwatch.web.night",
    "crampwatch.web.sessions",
    "crampwatch.web.settings",
    "crampwatch.web.stream",
    "crampwatch.app",
}
"""Folders that do I/O. A new folder is pure or stands here on purpose: none is forgotten."""


@cache
def _built() -> grimp.ImportGraph:
    return grimp.build_graph(*OPTIONS["root_packages"], include_external_packages=True, cache_dir=None)


@pytest.fixture
def graph() -> grimp.ImportGraph:
    """The import graph of the source tree, free to be changed."""
    return deepcopy(_built())


def _within(folder: str) -> set[str]:
    return {folder, *_built().find_descendants(folder)}


def _plant(graph: grimp.ImportGraph, importer: str, imported: str) -> None:
    if imported not in graph.modules:
        graph.add_module(imported, is_squashed=True)
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents=f"import {imported}")


def _check(kind: type[Any], options: dict[str, Any], graph: grimp.ImportGraph) -> Any:
    return kind(options["name"], OPTIONS, options).check(graph, verbose=False)


def _importers_found(graph: grimp.ImportGraph, library: str) -> set[str]:
    """Return the modules whose own import of a library the contract of the pure folders reports."""
    found = _check(ForbiddenContract, PURE, graph).metadata["invalid_chains"]
    chains = [chain for one in found if one["upstream_module"] == library for chain in one["chains"]]
    return {chain[0]["importer"] for chain in chains if len(chain) == 1}


@pytest.mark.parametrize("library", ["sqlite3", "asyncio", "time", "socket"])
def test_a_forbidden_import_planted_in_any_pure_module_is_found(graph: grimp.ImportGraph, library: str) -> None:
    pure = set().union(*map(_within, PURE["source_modules"]))
    for module in pure:
        _plant(graph, module, library)
    assert pure - _importers_found(graph, library) == set()


@pytest.mark.parametrize("library", PURE["forbidden_modules"])
def test_each_forbidden_library_is_found(graph: grimp.ImportGraph, library: str) -> None:
    _plant(graph, "crampwatch.detector.signal.biquad", library)
    assert _importers_found(graph, library) == {"crampwatch.detector.signal.biquad"}


def test_a_library_behind_another_module_is_found(graph: grimp.ImportGraph) -> None:
    _plant(graph, "crampwatch.decoding.session", "crampwatch.journal.reader")
    assert not _check(ForbiddenContract, PURE, graph).kept


@pytest.mark.parametrize("options", PROTECTED, ids=lambda one: str(one["name"]))
def test_a_library_imported_outside_its_folders_is_found(graph: grimp.ImportGraph, options: dict[str, Any]) -> None:
    for library in options["protected_modules"]:
        planted = deepcopy(graph)
        _plant(planted, "crampwatch.protocol.frame", library)
        assert not _check(ProtectedContract, options, planted).kept


@pytest.mark.parametrize("root", ACYCLIC["ancestors"])
def test_a_cycle_is_found_in_every_package(graph: grimp.ImportGraph, root: str) -> None:
    first, second = sorted(name for name in graph.find_children(root) if not name.endswith("__main__"))[:2]
    _plant(graph, first, second)
    _plant(graph, second, first)
    assert not _check(AcyclicSiblingsContract, ACYCLIC, graph).kept


def test_every_package_is_covered() -> None:
    assert set(ACYCLIC["ancestors"]) == set(OPTIONS["root_packages"])
    roots = {f"crampwatch.{path.parent.name}" for path in ROOT.glob("*/crampwatch/*/__init__.py")}
    assert set(OPTIONS["root_packages"]) == roots


def test_every_folder_is_pure_or_named_as_a_shell() -> None:
    covered = set().union(*map(_within, PURE["source_modules"]), *map(_within, SHELLS))
    folders = {name for root in OPTIONS["root_packages"] for name in _within(root) if _built().find_children(name)}
    with_pure_and_shells_below = {name for name in folders if any(one.startswith(f"{name}.") for one in covered)}
    assert sorted(folders - covered - with_pure_and_shells_below) == []
    assert sorted(SHELLS - folders) == []
