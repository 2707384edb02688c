"""What is built is what is in the checkout: all of the packages, and nothing else."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import trigger_sql

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = {
    Path(package).name: ROOT / package
    for package in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
}
NAME = f"trigger_core-{PYPROJECT['project']['version']}"


def shipped_files(folder: Path) -> set[str]:
    """Every file that a package needs when it runs, relative to the folder that holds the package."""
    return {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.suffix in {".py", ".sql", ".ndjson", ".md"}
        or path.name in {"py.typed", "_examples.json"}
        or path.parent.name == "docs"
    }


def run(*command: str | Path) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ".")
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a freshly built source distribution, below its one folder."""
    folder = tmp_path_factory.mktemp("sdist")
    run("-m", "build", "--sdist", "--no-isolation", "--outdir", folder, ".")
    with tarfile.open(folder / f"{NAME}.tar.gz") as archive:
        return {name.removeprefix(f"{NAME}/") for name in archive.getnames()}


def test_the_wheel_holds_the_packages_and_nothing_of_tests_or_benchmarks(wheel: set[str]) -> None:
    expected = {*PACKAGES, f"{NAME}.dist-info"}
    assert expected == {name.split("/")[0] for name in wheel}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_all_modules_queries_and_type_markers(wheel: set[str], package: str) -> None:
    expected = shipped_files(PACKAGES[package])
    assert f"{package}/py.typed" in expected
    assert expected <= wheel


def test_the_wheel_holds_what_was_translated_for_postgresql(wheel: set[str]) -> None:
    assert f"trigger_sql/{trigger_sql.TRANSLATED}" in wheel


def test_the_wheel_holds_the_license(wheel: set[str]) -> None:
    assert f"{NAME}.dist-info/licenses/LICENSE" in wheel


@pytest.mark.parametrize("package", PACKAGES)
def test_the_sdist_can_build_the_wheel_again(sdist: set[str], package: str) -> None:
    folder = PACKAGES[package]
    below = folder.parent.relative_to(ROOT)
    assert {(below / name).as_posix() for name in shipped_files(folder)} <= sdist
    assert {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE"} <= sdist


def test_every_package_of_the_checkout_is_shipped_and_watched() -> None:
    present = {
        path.parent.name: path.parent
        for pattern in ("trigger_*/__init__.py", "sql/*/__init__.py", "adapters/*/__init__.py")
        for path in ROOT.glob(pattern)
    }
    assert present == PACKAGES
    assert set(present) == set(PYPROJECT["tool"]["importlinter"]["root_packages"])
