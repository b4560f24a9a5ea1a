"""The tables, alike in SQLite and PostgreSQL. Times are whole seconds since 1970, UTC."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

VERSION: Final = 1
"""Of these tables; a database that has another is not touched."""

metadata: Final = MetaData()

schema: Final = Table("podworthy_schema", metadata, Column("version", Integer, nullable=False))


def _counts() -> list[Column[int]]:
    names = ("objects", "failing", "fail", "warn", "skip", "error")
    return [Column(name, Integer, nullable=False) for name in names]


runs: Final = Table(
    "podworthy_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("profile", String(63), nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("errors", Integer, nullable=False),
    *_counts(),
)

tallies: Final = Table(
    "podworthy_tallies",
    metadata,
    Column("run", Integer, ForeignKey("podworthy_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("dimension", String(9), primary_key=True),  # policy, namespace
    Column("key", String(253), primary_key=True),
    *_counts(),
)

denials: Final = Table(
    "podworthy_denials",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("policy", String(63), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("profile", String(63), nullable=False),
    Column("kind", String(63), nullable=False),
    Column("namespace", String(63), nullable=False),
    Column("owner", String(320), nullable=False),
    Column("user", String(253), nullable=False),
    Index("podworthy_denials_at", "at"),
)
