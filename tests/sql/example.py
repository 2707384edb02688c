"""The store that the SQL README's examples run against: a few triggers of all flows, made from a journal.

python -m tests.sql.example example.duckdb
"""

import json
import sys
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import trigger_core
from trigger_core import Library, facts
from trigger_core.testing.contract.samples import EXAMPLE

KEY = f"sk_test_{0:048x}"


def example_facts() -> list[facts.Fact]:
    """The journal's facts, in its order."""
    return [facts.from_json(json.loads(line)) for line in EXAMPLE.read_text("utf-8").splitlines()]


def example_library(store: str | Path = ":memory:") -> Library:
    """A library over a new store that holds the example, and a key that everybody knows."""
    library = trigger_core.open(store)
    library.record(example_facts())
    with library.store.write() as session:
        session.run(
            "api_key_insert",
            key_id="019ab000-00ff-7000-8000-0000000000ff",
            account="acme",
            prefix=KEY[:16],
            digest=sha256(KEY.encode()).hexdigest(),
            scopes="read",
            created_at=datetime(2025, 11, 23),  # noqa: DTZ001 - stored times are UTC without saying so
            expires_at=None,
        )
    return library


if __name__ == "__main__":
    example_library(sys.argv[1]).close()
