"""The default store: DuckDB in a file of this process, or in memory; and a reader of Parquet files."""

from trigger_duckdb._files import parquet_rows
from trigger_duckdb._store import DuckDBStore

__all__ = ["DuckDBStore", "parquet_rows"]
