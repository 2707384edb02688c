"""PostgreSQL as a store: for services of several processes, on one machine or many."""

from trigger_postgres._store import PostgresStore

__all__ = ["PostgresStore"]
