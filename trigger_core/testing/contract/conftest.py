"""What the whole suite shares. The fixture ``new_store`` is whose store it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from trigger_core import Library
from trigger_core.testing.contract import stores


def pytest_configure(config: pytest.Config) -> None:
    """Makes the mark of long tests known."""
    config.addinivalue_line("markers", "deep: takes minutes; left out by -m 'not deep'")


@pytest.fixture(scope="session", autouse=True)
def _under_test(new_store: Callable[[], str]) -> Iterator[None]:
    with stores.under_test(new_store):
        yield


@pytest.fixture
def store_url() -> str:
    """An empty store of the kind under test, not open yet."""
    return stores.new_url()


@pytest.fixture
def library() -> Iterator[Library]:
    """An empty store of the kind under test, open."""
    with stores.fresh() as library:
        yield library
