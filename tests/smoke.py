"""Shows that an installed trigger-core works with nothing else around.

Run it with the interpreter of an environment that holds the wheel, from outside the checkout:

    python -I smoke.py
"""

import sys
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
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
    """What is recorded can be asked for, from a file too, and a journal of it gives the same answers elsewhere."""
    import trigger_core
    from trigger_core.facts import Execution, Fact, Job, Outcome, Trigger

    trigger_id, execution_id = "780cab43-2de4-4ce0-a96b-aeeeed06346c", "85b3b004-5331-4921-b44a-6915f5572a7a"
    at = datetime(2025, 11, 23, 2, 25, 44, tzinfo=UTC)
    facts: list[Fact] = [
        Trigger(
            account="acme",
            trigger_id=trigger_id,
            flow_type="direct_channel",
            trigger_type="sms",
            trigger_source="direct_api",
            campaign_name="SMS Send - otp_us",
            currency="USD",
            created_at=at,
        ),
        Execution(account="acme", trigger_id=trigger_id, execution_id=execution_id, channel="sms"),
        Job(execution_id=execution_id, job_id=1, contact="user_123", address="+18489462530"),
        Outcome(execution_id=execution_id, job_id=1, outcome="sent", at=at, segments=1, cost=Decimal("0.03")),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        with trigger_core.open(path) as library:
            library.record(facts)
        with trigger_core.open(path) as library, trigger_core.open(":memory:") as other:
            answer = library.direct("acme", trigger_id)
            assert answer.execution is not None
            assert (answer.execution.status, str(answer.execution.estimated_cost)) == (
                "completed",
                "0.030000",
            )
            other.record(library.export("acme", trigger_id))
            assert other.direct("acme", trigger_id) == answer
            assert list(library.audit()) == []


def has_the_sql_for_postgresql() -> None:
    """The wheel brings it translated: there is nothing here that could."""
    import trigger_sql

    assert "create table triggers" in trigger_sql.script("schema", "postgres").lower()
    assert "sqlglot" not in sys.modules, "it was translated here"


if __name__ == "__main__":
    imports_alone()
    records_and_answers()
    has_the_sql_for_postgresql()
    print("smoke: ok")
