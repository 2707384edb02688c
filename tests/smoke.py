"""Shows that an installed trigger-core works with nothing else around.

Run it with the interpreter of an environment that holds the wheel, from outside the checkout:

    python -I smoke.py
"""

import sys
from pathlib import Path

LOADED_ON_DEMAND = {"duckdb", "falcon", "psycopg", "sqlglot", "waitress"}


def imports_alone() -> None:
    """The package is the installed one, and importing it loads no driver and no framework."""
    import trigger_core

    home = Path(trigger_core.__file__).resolve()
    assert home.is_relative_to(Path(sys.prefix).resolve()), f"{home} is not the installed package"
    loaded = LOADED_ON_DEMAND & sys.modules.keys()
    assert not loaded, f"import trigger_core also imported {sorted(loaded)}"


def records_and_answers() -> None:
    """What is recorded can be asked for."""


if __name__ == "__main__":
    imports_alone()
    records_and_answers()
    print("smoke: ok")
