"""How many single-line mutations of the pure folders the unit tests notice: ``python benchmarks/mutation.py``.

cosmic-ray changes one place of a module at a time (a comparison, a number, an operator, a guard) and runs the unit
tests of that folder; a mutant that no test refuses has survived. Every folder that the import contracts call pure is
covered. There are tens of thousands of mutants, so a seeded sample of each folder is tried: the same seed, the same
mutants. The score is the share refused, with a 95 % interval (Wilson 1927).

The tree is copied first; nothing here is changed. Needs ``pip install -e '.[dev,mutation]'``. With ``--folder
detector.signal`` one folder is tried, with ``--mutants 0`` every mutant of it.
"""

import argparse
import ast
import json
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.modules import find_modules
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkItem, WorkResult

ROOT = Path(__file__).resolve().parents[1]
PURE_CONTRACT = "Pure folders"
IMPORT_ROOTS = {
    "protocol": "protocol",
    "decoding": "protocol",
    "firmware_sim": "firmware-sim",
    "collector": "collector",
    "detector": "detector",
    "store": "dashboards",
    "home": "dashboards",
    "web": "dashboards",
}
TESTS = {"decoding": ("tests/unit/decoding", "tests/unit/collector")}
"""Where a package's tests are, other than in tests/unit/PACKAGE; those that exist are run."""
DULL_OPERATORS = ("core/NumberReplacer",)
"""Operators that come twice at each place (n + 1, n - 1): one of the two is enough in a sample."""


@dataclass(frozen=True)
class Score:
    """What became of the mutants of one folder."""

    folder: str
    refused: int
    tried: int
    survivors: tuple[str, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share refused (Wilson)."""
        if not self.tried:
            return 0.0, 1.0
        z, n, share = 1.96, self.tried, self.refused / self.tried
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return middle - half, middle + half

    def row(self) -> str:
        """Return the score as a row of the table in docs/mutation.md."""
        low, high = self.interval
        share = f"{self.refused / self.tried:.0%}" if self.tried else "-"
        return f"| `{self.folder}` | {self.refused} of {self.tried} | {share} | {low:.0%} to {high:.0%} |"


def pure_folders() -> list[str]:
    """Return the folders that the import contracts call pure, as dotted names below ``crampwatch``."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract = next(one for one in options["contracts"] if one["name"].startswith(PURE_CONTRACT))
    return [name.removeprefix("crampwatch.") for name in contract["source_modules"]]


def try_folder(folder: str, *, mutants: int, seed: int, timeout_s: float) -> Score:
    """Try a sample of a folder's mutants in a copy of the tree."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "tree"
        _copy_tree(copy)
        worker = [sys.executable, __file__, "--work-in", str(copy), "--folder", folder]
        options = ["--mutants", str(mutants), "--seed", str(seed), "--timeout", str(timeout_s)]
        done = subprocess.run([*worker, *options], cwd=copy, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
    return Score(folder, found["refused"], found["tried"], tuple(found["survivors"]))


def work(copy: Path, folder: str, *, mutants: int, seed: int, timeout_s: float) -> dict[str, object]:
    """Mutate in a copy of the tree, which is the working folder; return what became of each mutant."""
    tests = _tests_of(copy, folder)
    command = f"{sys.executable} -m pytest -x -q -n 0 -p no:cacheprovider {' '.join(tests)}"
    if subprocess.run(command.split(), capture_output=True, check=False).returncode:
        raise SystemExit(f"{command}: fails before anything was changed")
    refused, survivors = 0, []
    with use_db(copy / "session.sqlite") as database:
        chosen = _sample(database, _source(folder), mutants=mutants, seed=seed)
        for item in chosen:
            result: WorkResult = mutate_and_test(item.mutations, command, timeout_s)
            if result.test_outcome is TestOutcome.SURVIVED:
                survivors.append(_described(result.diff or ""))
            else:
                refused += 1
    return {"refused": refused, "tried": len(chosen), "survivors": survivors}


def _copy_tree(target: Path) -> None:
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)


def _source(folder: str) -> Path:
    package = folder.split(".", maxsplit=1)[0]
    return Path(IMPORT_ROOTS[package], "crampwatch", *folder.split("."))


def _tests_of(copy: Path, folder: str) -> list[str]:
    package = folder.split(".", maxsplit=1)[0]
    return [name for name in TESTS.get(package, (f"tests/unit/{package}",)) if (copy / name).is_dir()]


def _sample(database: WorkDB, source: Path, *, mutants: int, seed: int) -> list[WorkItem]:
    """Return the mutants to try, the same for the same seed: none of annotations, which nothing runs."""
    modules = sorted(find_modules([source]))
    init(modules, database, {})
    annotated = {str(module): _annotation_lines(module) for module in modules}

    def matters(item: WorkItem) -> bool:
        (mutation,) = item.mutations
        if mutation.operator_name in DULL_OPERATORS and mutation.occurrence % 2:
            return False
        return mutation.start_pos[0] not in annotated[str(mutation.module_path)]

    def place(item: WorkItem) -> tuple[str, str, int]:
        (mutation,) = item.mutations
        return str(mutation.module_path), mutation.operator_name, mutation.occurrence

    items = sorted(filter(matters, database.work_items), key=place)
    return random.Random(f"{seed} {source}").sample(items, min(mutants, len(items)) if mutants else len(items))


def _annotation_lines(module: Path) -> set[int]:
    """Return the lines on which an annotation, an import or `__all__` stands."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            parts = [node.returns, *(argument.annotation for argument in every)]
        elif isinstance(node, ast.AnnAssign) and node.value is None:
            parts = [node.annotation]
        for part in filter(None, parts):
            lines.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return lines


def _described(diff: str) -> str:
    """Return the changed lines of a diff, with its file."""
    name = next((line[4:] for line in diff.splitlines() if line.startswith("+++")), "")
    changes = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return " ".join([name.strip(), *(" ".join(line.split()) for line in changes)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", action="append", help="only this folder, such as detector.signal; may be repeated")
    parser.add_argument("--mutants", type=int, default=20, help="mutants to try in each folder; 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="which mutants are drawn")
    parser.add_argument("--jobs", type=int, default=2, help="folders at once")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds after which a test run counts as refused")
    parser.add_argument("--work-in", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Print a table of scores and each survivor."""
    given = _arguments()
    chosen = {"mutants": given.mutants, "seed": given.seed, "timeout_s": given.timeout}
    if given.work_in:
        print(json.dumps(work(given.work_in, given.folder[0], **chosen)))
        return
    print("| folder | refused | score | 95 % interval |\n|---|---|---|---|", flush=True)
    scores = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for score in pool.map(lambda folder: try_folder(folder, **chosen), given.folder or pure_folders()):
            print(score.row(), flush=True)
            scores.append(score)
    print(Score("all", sum(one.refused for one in scores), sum(one.tried for one in scores), ()).row())
    for score in scores:
        for survivor in score.survivors:
            print(f"survived: {survivor}")


if __name__ == "__main__":
    main()
