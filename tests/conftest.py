"""What every folder's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, one for each process of pytest; a machine that can run none fails the test."""
    with server() as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """A new, empty database."""
    return postgres.create_database()
