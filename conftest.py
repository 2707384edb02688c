"""What all tests may ask for: a PostgreSQL server, and the stores that what holds for any store is tested on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from shutil import copy

import pytest

import trigger_core
from tests.postgres import EmptyStores, Server, server

STORES = ("duckdb", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, one for each process of pytest; a machine that can run none fails the test."""
    with server(syncs=False) as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """A new, empty database."""
    return postgres.create_database()


@pytest.fixture(scope="session")
def postgres_stores(postgres: Server) -> EmptyStores:
    """Databases with all tables and nothing in them."""
    return EmptyStores(postgres)


@pytest.fixture(scope="session", params=STORES)
def new_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes an empty store of each kind, and says its URL."""
    if request.param == "duckdb":
        trigger_core.open(made := tmp_path_factory.mktemp("empty") / "store.duckdb").close()
        # To copy one takes a third of the time of making one.
        return lambda: f"duckdb://{copy(made, tmp_path_factory.mktemp('store'))}"
    stores: EmptyStores = request.getfixturevalue("postgres_stores")
    return stores.take


@pytest.fixture(autouse=True)
def _given_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Takes back the databases that a test used, and drops those that it made."""
    if "postgres" not in request.fixturenames and "[postgresql" not in request.node.name:
        yield
        return
    stores: EmptyStores = request.getfixturevalue("postgres_stores")
    with stores.server.dropping():
        yield
    stores.give_back()
