"""The default store: DuckDB in a file of this process, or in memory."""

from trigger_duckdb._store import DuckDBStore

__all__ = ["DuckDBStore"]
