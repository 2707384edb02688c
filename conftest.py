"""What all tests may ask for: a PostgreSQL server, and the stores that what holds for any store is tested on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import EmptyStores, Server, server
from tests.stores import Stores, duckdb_stores
from tests.stores import postgres_stores as lent_postgres_stores

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
def new_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Makes an empty store of each kind and says its URL, or lends one that is open."""
    with (
        duckdb_stores(tmp_path_factory)
        if request.param == "duckdb"
        else lent_postgres_stores(request.getfixturevalue("postgres_stores"))
    ) as stores:
        yield stores


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
