"""What is kept of audits and denials, in either database."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from webhook.errors import HistoryError
from webhook.history import Denial, History, Run, Tally, Trend
from webhook.history.entries import Counter
from webhook.history.store import EVERY_RUN, KEPT, MAX_NAMESPACES

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(at: datetime = NOW, objects: int = 3, *, partial: bool = False) -> Run:
    return Run(at, "baseline", Tally(objects, 1, 2, 1), 4, partial)


def denial(uid: str = "u1", at: datetime = NOW, *policies: str, namespace: str = "shop") -> Denial:
    return Denial(
        uid, at, "strict", policies or ("require-probes",), "Pod", namespace, "Job/load", "ann"
    )


def test_what_was_kept_is_what_is_read(database: str) -> None:
    counter = Counter()
    counter.judged("shop", [("require-probes", "fail"), ("require-probes", "fail")])
    counter.judged("shop", [("require-claims", "skip"), ("ephemeral-data", "warn")])
    counter.judged(None, [])
    made = counter.run(NOW, "baseline", 7)
    assert made.total == Tally(objects=3, failing=1, fail=2, warn=1, skip=1)
    assert made.policies["require-probes"] == Tally(objects=1, failing=1, fail=2)
    assert made.namespaces == {"shop": Tally(2, 1, 2, 1, 1), "": Tally(1)}
    some = [denial("u1", NOW, "require-claims", "require-probes"), denial("u2", NOW - HOUR)]
    crashed = Denial("u3", NOW, "strict", (), "Pod", "shop", "Pod/web", "ann")
    with History(database) as history:
        history.add_run(made)
        history.add_denials([*some, crashed])
    with History(database) as history:
        assert history.runs(NOW) == [made]
        assert history.runs(NOW + timedelta(seconds=1)) == []
        assert history.denials(EVER) == [some[1], some[0], crashed]
        assert history.denials(NOW) == [some[0], crashed]


def test_a_denial_told_twice_counts_once(database: str) -> None:
    with History(database) as history:
        history.add_denials([denial("u1"), denial("u1"), denial("u2")])
        history.add_denials([denial("u2"), denial("u3")])
        assert [one.uid for one in history.denials(EVER)] == ["u1", "u2", "u3"]


def test_of_old_days_the_last_run_is_kept_and_of_older_years_none(database: str) -> None:
    recent = [run(NOW - hours * HOUR) for hours in (2, 1, 0)]
    old = NOW - EVERY_RUN - timedelta(days=3)
    with History(database) as history:
        for one in (run(NOW - KEPT - HOUR), run(old - HOUR), run(old), run(old + HOUR), *recent):
            history.add_run(one)
        history.add_denials([denial("old", NOW - KEPT - HOUR), denial("new")])
        history.prune(NOW)
        assert [one.at for one in history.runs(EVER)] == [old + HOUR, *(one.at for one in recent)]
        assert [one.uid for one in history.denials(EVER)] == ["new"]


def test_what_belongs_to_a_forgotten_run_is_forgotten(database: str) -> None:
    counter = Counter()
    counter.judged("shop", [("require-probes", "fail")])
    with History(database) as history:
        history.add_run(counter.run(NOW - KEPT - HOUR, "baseline", 0))
        history.prune(NOW)
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM podworthy_tallies")) == 0
    engine.dispose()


def test_denials_are_bounded(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.history.store.MAX_DENIALS", 3)
    with History(database) as history:
        history.add_denials(denial(f"u{n}", NOW + n * HOUR) for n in range(5))
        history.prune(NOW)
        assert [one.uid for one in history.denials(EVER)] == ["u2", "u3", "u4"]


def test_of_very_many_namespaces_the_worst_are_kept(database: str) -> None:
    counter = Counter()
    for number in range(MAX_NAMESPACES + 2):
        counter.judged(f"n{number}", [("require-probes", "fail")] if number else [])
    with History(database) as history:
        history.add_run(counter.run(NOW, "baseline", 0))
        (kept,) = history.runs(EVER)
    assert len(kept.namespaces) == MAX_NAMESPACES
    assert "n0" not in kept.namespaces


def test_many_denials_at_once(database: str) -> None:
    with History(database) as history:
        history.add_denials(denial(f"u{n}") for n in range(2500))
        assert len(history.denials(EVER)) == 2500


def test_tables_of_another_version_are_left_alone(database: str) -> None:
    History(database).__exit__()
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE podworthy_schema SET version = 99"))
    engine.dispose()
    with pytest.raises(HistoryError, match="version 99"):
        History(database)


def test_two_writers_wait_for_each_other(database: str) -> None:
    with History(database) as one, History(database) as other:
        one.add_run(run())
        other.add_run(run(NOW + HOUR))
        assert len(one.runs(EVER)) == 2


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("history.db", "give sqlite:///FILE or postgresql://"),
        ("sqlite://", "give sqlite:///FILE"),
        ("sqlite:///:memory:", "give sqlite:///FILE"),
        ("mysql://ann:hush@host/name", "mysql://ann:***@host/name is no database"),
        ("postgresql://ann:hush@host:port/name", "URL cannot be read"),
        ("sqlite:////no/such/directory/history.db", "unable to open database file"),
    ],
)
def test_what_is_no_database(url: str, told: str) -> None:
    with pytest.raises(HistoryError, match=re.escape(told)) as caught:
        History(url)
    assert "hush" not in str(caught.value)


def test_days_have_their_last_whole_run_and_their_denials() -> None:
    runs = [run(NOW - HOUR, 1), run(NOW, 2), run(NOW + HOUR, 9, partial=True)]
    yesterday = NOW - timedelta(days=1)
    trend = Trend.of(
        runs,
        [
            denial("u1", yesterday, "require-claims", "require-probes"),
            denial("u2", yesterday, "require-probes", namespace="pay"),
            denial("u3", yesterday, "require-probes", namespace="pay"),
        ],
    )
    first, second = trend.days
    assert (first.day, first.run, first.denials) == (yesterday.date(), None, 3)
    assert list(first.policies.items()) == [("require-probes", 3), ("require-claims", 1)]
    assert list(first.namespaces.items()) == [("pay", 2), ("shop", 1)]
    assert second.run == runs[1]
    assert second.denials == 0


def test_nothing_judged_has_no_rate() -> None:
    assert Tally().pass_rate is None
    assert Tally(4, 1).pass_rate == 0.75
