"""Shares of an audit."""

from collections import Counter

import pytest

from webhook.audit.shard import Shard, parse

NAMES = [(f"team-{number % 37}", f"web-{number}") for number in range(5000)]


def test_every_object_is_in_exactly_one_shard() -> None:
    shards = [Shard(index, 7) for index in range(7)]
    for namespace, name in [*NAMES, (None, None), (None, "web"), ("shop", None)]:
        assert sum(shard.holds(namespace, name) for shard in shards) == 1


def test_shards_are_about_equally_large() -> None:
    sizes = Counter(index for pair in NAMES for index in range(8) if Shard(index, 8).holds(*pair))
    assert len(sizes) == 8
    assert max(sizes.values()) < 1.3 * min(sizes.values())


def test_an_object_stays_in_its_shard_for_ever() -> None:
    """A job whose pods run different versions must not lose an object between them."""
    found = [Shard(index, 5).holds("shop", "web") for index in range(5)]
    assert found == [True, False, False, False, False]


def test_a_shard_is_written_as_a_fraction() -> None:
    assert parse("0/1") == Shard(0, 1)
    assert parse("3/12") == Shard(3, 12)
    assert parse("0/4").is_first
    assert not parse("1/4").is_first


@pytest.mark.parametrize(
    "text", ["", "1", "4/4", "1/0", "0/0", "-1/4", "1/4/5", "a/b", "1/ 4", "٣/٤", "1/99999999"]
)
def test_what_is_no_shard_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ValueError, match="give I/N, where I is 0 to N-1"):
        parse(text)
