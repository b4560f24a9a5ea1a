"""The database: SQLite in a file, or PostgreSQL by its URL."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from webhook.errors import HistoryError
from webhook.history.entries import Denial, Run, Tally
from webhook.history.tables import VERSION, denials, metadata, runs, schema, tallies

EVERY_RUN: Final = timedelta(days=7)
"""For as long every run is kept; of older ones the last of each day."""
KEPT: Final = timedelta(days=400)
"""For as long anything is kept: a year, and what it is compared with."""
MAX_DENIALS: Final = 100_000
"""Of the newest ones; a broken Deployment is denied again and again."""
MAX_NAMESPACES: Final = 1000
"""Of one run; those with the most objects in which something denies."""

_BUSY_SECONDS: Final = 30
_TIMEOUT_SECONDS: Final = 10
_ROWS_AT_ONCE: Final = 1000
_DAY: Final = 86400
_COUNTS: Final = ("objects", "failing", "fail", "warn", "skip", "error")


class History:
    """What is kept; a context manager, which lets the database go."""

    def __init__(self, url: str, *, must_exist: bool = False) -> None:
        """`sqlite:////var/lib/podworthy/history.db`, or `postgresql://user:password@host/name`.

        Tables are made if there are none; so is SQLite's file, unless it must exist. Raises
        `HistoryError`.
        """
        self._url = _url(url)
        if must_exist and self._lacks_file():
            raise HistoryError(f"there is no database {self}; `podworthy history --add` makes one")
        self._engine = self._make_engine()
        try:
            with self._transaction() as connection:
                _prepare(connection)
        except BaseException:
            self._engine.dispose()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def add_run(self, run: Run) -> None:
        """Keep one more run. Raises `HistoryError`."""
        with self._transaction() as connection:
            head = {"at": _seconds(run.at), "profile": run.profile, "partial": run.partial}
            row = {**head, "errors": run.errors, **_counts(run.total)}
            added = connection.execute(sql.insert(runs).values(row).returning(runs.c.id))
            number = added.scalar_one()
            by_dimension = {"policy": run.policies, "namespace": _worst(run.namespaces)}
            rows = [
                {"run": number, "dimension": dimension, "key": key, **_counts(tally)}
                for dimension, each in by_dimension.items()
                for key, tally in each.items()
            ]
            if rows:
                connection.execute(sql.insert(tallies), rows)

    def add_denials(self, some: Iterable[Denial]) -> None:
        """Keep these; one that is kept already stays as it is. Raises `HistoryError`."""
        with self._transaction() as connection:
            rows: list[dict[str, Any]] = []
            for one in some:
                rows += _rows(one)
                if len(rows) >= _ROWS_AT_ONCE:
                    self._insert(connection, rows)
                    rows = []
            if rows:
                self._insert(connection, rows)

    def prune(self, now: datetime) -> None:
        """Forget what is old, see `KEPT`, `EVERY_RUN` and `MAX_DENIALS`. Raises `HistoryError`."""
        oldest, recent = _seconds(now - KEPT), _seconds(now - EVERY_RUN)
        last_of_day = sql.select(sql.func.max(runs.c.at)).group_by(runs.c.at // _DAY)
        with self._transaction() as connection:
            connection.execute(sql.delete(runs).where(runs.c.at < oldest))
            connection.execute(
                sql.delete(runs).where(runs.c.at < recent, runs.c.at.not_in(last_of_day))
            )
            newest = sql.select(denials.c.at).order_by(denials.c.at.desc())
            limit = connection.scalar(newest.offset(MAX_DENIALS).limit(1)) or 0
            connection.execute(
                sql.delete(denials).where(sql.or_(denials.c.at <= limit, denials.c.at < oldest))
            )

    def runs(self, since: datetime) -> list[Run]:
        """Those that ended then or later, the oldest first. Raises `HistoryError`."""
        with self._transaction() as connection:
            chosen = sql.select(runs).where(runs.c.at >= _seconds(since))
            found = connection.execute(chosen.order_by(runs.c.at, runs.c.id)).mappings().all()
            numbers = chosen.with_only_columns(runs.c.id)
            parts: dict[tuple[int, str], dict[str, Tally]] = {}
            of_those = sql.select(tallies).where(tallies.c.run.in_(numbers))
            for row in connection.execute(of_those).mappings():
                parts.setdefault((row["run"], row["dimension"]), {})[row["key"]] = _tally(row)
        return [
            Run(
                _time(row["at"]),
                row["profile"],
                _tally(row),
                row["errors"],
                row["partial"],
                parts.get((row["id"], "policy"), {}),
                parts.get((row["id"], "namespace"), {}),
            )
            for row in found
        ]

    def denials(self, since: datetime) -> list[Denial]:
        """Those of then or later, the oldest first. Raises `HistoryError`."""
        with self._transaction() as connection:
            chosen = sql.select(denials).where(denials.c.at >= _seconds(since))
            order = (denials.c.at, denials.c.uid, denials.c.policy)
            found = connection.execute(chosen.order_by(*order)).mappings().all()
        by_uid: dict[str, list[Mapping[Any, Any]]] = {}
        for row in found:
            by_uid.setdefault(row["uid"], []).append(row)
        return [_denial(rows) for rows in by_uid.values()]

    def _insert(self, connection: sql.Connection, rows: list[dict[str, Any]]) -> None:
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(denials).on_conflict_do_nothing(), rows)

    def _lacks_file(self) -> bool:
        # `file:...?uri=true` is a URI of SQLite's own
        is_path = self._url.get_backend_name() == "sqlite" and "uri" not in self._url.query
        return is_path and not Path(self._url.database or "").exists()

    def _make_engine(self) -> sql.Engine:
        try:
            if self._url.get_backend_name() == "sqlite":
                made = sql.create_engine(self._url, connect_args={"timeout": _BUSY_SECONDS})
                event.listen(made, "connect", _obey_foreign_keys)
                return made
            options = {"connect_timeout": _TIMEOUT_SECONDS, "application_name": "podworthy"}
            return sql.create_engine(self._url, pool_pre_ping=True, connect_args=options)
        except ModuleNotFoundError as error:
            raise HistoryError(
                f"no driver for {self}: install podworthy[postgresql] (no module {error.name})"
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[sql.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            what = str(cause).strip().splitlines() or [type(cause).__name__]
            raise HistoryError(f"the database {self} cannot be used: {what[0]}") from error

    def __str__(self) -> str:
        """Its URL, without the password."""
        return self._url.render_as_string(hide_password=True)


def _url(text: str) -> URL:
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # never the text itself, which may hold a password
        raise HistoryError(f"the database's URL cannot be read; give {_FORMS}") from error
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise HistoryError(f"{url.render_as_string()} is no database that keeps history; give {_FORMS}")


_FORMS: Final = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"


def _prepare(connection: sql.Connection) -> None:
    metadata.create_all(connection)
    found = connection.scalar(sql.select(schema.c.version))
    if found is None:
        connection.execute(sql.insert(schema).values(version=VERSION))
    elif found != VERSION:
        raise HistoryError(
            f"the database has tables of version {found}, this podworthy those of {VERSION}: "
            "use the podworthy that made them, or another database"
        )


def _obey_foreign_keys(connection: Any, _: object) -> None:
    """SQLite does not by default: https://sqlite.org/foreignkeys.html#fk_enable."""
    connection.execute("PRAGMA foreign_keys = ON")


def _worst(namespaces: Mapping[str, Tally]) -> Mapping[str, Tally]:
    if len(namespaces) <= MAX_NAMESPACES:
        return namespaces
    order = sorted(namespaces.items(), key=lambda one: (-one[1].failing, one[0]))
    return dict(order[:MAX_NAMESPACES])


def _counts(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in _COUNTS}


def _tally(row: Mapping[Any, Any]) -> Tally:
    return Tally(*(row[name] for name in _COUNTS))


def _rows(one: Denial) -> list[dict[str, Any]]:
    head = {"uid": one.uid, "at": _seconds(one.at), "profile": one.profile, "kind": one.kind}
    whose = {"namespace": one.namespace, "owner": one.owner, "user": one.user}
    return [{**head, **whose, "policy": policy} for policy in one.policies or ("",)]


def _denial(rows: list[Mapping[Any, Any]]) -> Denial:
    first = rows[0]
    policies = tuple(row["policy"] for row in rows if row["policy"])
    names = ("kind", "namespace", "owner", "user")
    return Denial(
        first["uid"],
        _time(first["at"]),
        first["profile"],
        policies,
        *(first[name] for name in names),
    )


def _seconds(time: datetime) -> int:
    return int(time.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
