"""The stores that every test of what holds for any store runs on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

STORES = ("duckdb",)


@pytest.fixture(scope="session", params=STORES)
def new_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes an empty store of each kind, and says its URL."""
    assert request.param == "duckdb"
    return lambda: f"duckdb://{tmp_path_factory.mktemp('store') / 'store.duckdb'}"
