"""What every store has to keep to, as tests: CONTRACT.md beside this says it in words, clause by clause.

A store passes by one fixture, ``new_store``, which gives a function that makes an empty store and says its URL. In a
module ``my_store_fixture`` of its own, beside the store's tests:

    import pytest
    from trigger_core.store import STORES

    STORES["mine"] = "my_store:MyStore"

    @pytest.fixture(scope="session")
    def new_store(tmp_path_factory):
        return lambda: f"mine://{tmp_path_factory.mktemp('store')}/store"

and then

    python -m pytest --pyargs trigger_core.testing.contract -p my_store_fixture

runs all of it; ``-m "not deep"`` leaves out what takes minutes. It needs pytest, hypothesis and the extra ``send``.

Where opening a store takes long, ``new_store`` may give an object that has ``lend`` besides: it gives a store that is
open and empty, and the borrower's own until it is closed.
"""
