"""Importing the core stays cheap: drivers and frameworks wait until someone asks for them.

The layers themselves are checked by lint-imports (make lint); this looks at what really happens.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

import trigger_core

ROOT = Path(__file__).parents[2]

LOADED_ON_DEMAND = {
    "duckdb",
    "email_validator",
    "falcon",
    "phonenumbers",
    "psycopg",
    "psycopg_pool",
    "sqlglot",
    "trigger_duckdb",
    "trigger_falcon",
    "trigger_postgres",
    "trigger_sandbox",
    "trigger_smtp",
    "waitress",
}


def test_importing_the_core_loads_no_driver_no_framework_and_no_adapter(tmp_path: Path) -> None:
    script = "import sys, trigger_core; print(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "trigger_core" in loaded
    assert set() == LOADED_ON_DEMAND & loaded


def test_importing_the_package_waits_with_everything(tmp_path: Path) -> None:
    """A host's start pays for nothing; what is named is there all the same."""
    script = """
import sys, trigger_core
print(*(name for name in sys.modules if name.partition(".")[0] in ("attr", "attrs", "cattrs", "trigger_core")))
print(sorted(set(trigger_core.__all__) - set(dir(trigger_core))))
for name in trigger_core.__all__:
    getattr(trigger_core, name)
try:
    trigger_core.nothing
except AttributeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "trigger_core",
        "[]",
        "module 'trigger_core' has no attribute 'nothing'",
    ]


def test_answering_imports_nothing_of_sending(tmp_path: Path) -> None:
    script = "import sys; from trigger_core import Library; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    unused = {f"trigger_core.{name}" for name in ("_audit", "_catalog", "_plan", "catalog", "sending")}
    assert not {"cattrs", *unused} & set(done.stdout.split())


def test_the_package_knows_the_version_it_is_built_as() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["version"] == trigger_core.__version__
