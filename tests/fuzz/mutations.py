"""Mutations of JSON: of its values and of its bytes, all drawn from one source of chance."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

MIB: Final = 1024 * 1024

_LITERAL: Final = "\ue001"
"""A string between two of these is written without its quotes: what json.dumps cannot write."""
_AGAIN: Final = "\ue000"
"""A key that ends in this and a number is written without: the same key twice."""

_LITERALS: Final = (
    *("1e400", "-1e400", "-0", "0.0", "1E+2", "1e-400", "01", "+1", ".5", "1.", "0x1", "--1"),
    *("NaN", "Infinity", "-Infinity", "nul", "True", "", "9" * 30, "9" * 5000, "1." + "0" * 400),
    *("[" * 400 + "]" * 400, "[" * 600 + "]" * 600, "[" * 5000, "{" * 3, "}]", "//", "/**/1"),
)
_TEXTS: Final = (
    *("", " ", "a", "web", "x" * 64, "x" * 300, "\x00", "\x1b[31m", "\r\n", "\x7f\x85", "\u2028"),
    *("\ud800", "\udc00\ud800", "\U0001f600", "\u202e", "e\u0301" * 9, "\ufffe", "\ufeff"),
    *("a/b", "~1~0", "../..", "/", "//", "%s%n", "{}", "[]", "null", "0", "-1", "1e9", "${x}"),
)
_NUMBERS: Final = (
    *(0, 1, -1, 2, 10, 3600, 65535, 65536, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1),
    *(2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 0.5, -1.5, 1e20, 1e308),
)
_TOKENS: Final = (
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"\\u", b"\\ud800", b"\\u0000", b"null"),
    *(b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5", b"\xef\xbb\xbf", b"\x1f", b"\n"),
    *(b"{}" * 50, b"[" * 501, b'{"a":' * 501, b"1e999", b"-", b"\xe2\x80\xa8", b"0" * 500),
)  # fmt: skip


def values_in(tree: Any) -> Iterator[tuple[str | None, Any]]:
    """Every value of a tree with its key; None for those of lists and the root."""
    stack: list[tuple[str | None, Any]] = [(None, tree)]
    while stack:
        key, value = stack.pop()
        yield key, value
        if isinstance(value, dict):
            stack += value.items()
        elif isinstance(value, list):
            stack += ((None, one) for one in value)


class Mutator:
    """Makes new bodies of old ones."""

    def __init__(self, random: Random, corpus: Sequence[bytes]) -> None:
        self._random = random
        self._corpus = corpus
        self._by_key: dict[str, list[str]] = {}
        """What the corpus has at each key, as JSON."""
        for body in corpus:
            for key, value in values_in(json.loads(body)):
                if key is not None:
                    self._by_key.setdefault(key, []).append(json.dumps(value))
        self._keys = sorted(self._by_key)
        self._operations: Sequence[Callable[[Any, Any], None]] = (
            *(self._replace, self._replace, self._resemble, self._transplant, self._transplant),
            *(self._delete, self._repeat, self._swap, self._rename, self._insert, self._wrap),
        )

    def mutate(self, body: bytes) -> bytes:
        """Another body, most often still JSON."""
        if self._random.random() < 0.15:
            return self._of_bytes(body)
        body = self._of_values(body)
        return self._of_bytes(body) if self._random.random() < 0.03 else body

    def enlarge(self, body: bytes, size: int = MIB) -> bytes:
        """A body of about `size` bytes: something in it is there very often."""
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            return (body * (size // max(1, len(body)) + 1))[:size]
        holder, key = self._place(tree)
        if holder is not None:
            one = len(dumps(holder[key])) + 12
            self._multiply(holder, key, max(2, (size - len(body)) // one))
        return dumps(tree)[: 2 * size]

    # values

    def _of_values(self, body: bytes) -> bytes:
        try:
            tree = json.loads(body)
        except (ValueError, RecursionError):
            return self._of_bytes(body)
        for _ in range(self._random.choice((1, 1, 1, 2, 3, 6))):
            self._change(tree)
        return dumps(tree)

    def _change(self, tree: Any) -> None:
        holder, key = self._place(tree)
        if holder is None:
            return
        value = holder[key]
        # JSON within JSON: last-applied
        if isinstance(value, str) and value.startswith("{") and self._random.random() < 0.8:
            holder[key] = self.mutate(value.encode("utf-8", "replace")).decode("utf-8", "replace")
            return
        self._random.choice(self._operations)(holder, key)

    def _place(self, tree: Any) -> tuple[Any, Any]:
        """A list or mapping and a key of it, rather deep down than near the root."""
        holder: Any = None
        key: Any = None
        while isinstance(tree, dict | list) and tree:
            if holder is not None and self._random.random() < 0.05:
                break
            holder = tree
            keys: list[Any] = list(tree) if isinstance(tree, dict) else [*range(len(tree))]
            if self._random.random() < (0.9 if len(tree) < 4 else 0.6):
                keys = [one for one in keys if isinstance(tree[one], dict | list)] or keys
            # what a review is about has the most to offer
            about = "object" in keys and self._random.random() < 0.8
            key = "object" if about else self._random.choice(keys)
            tree = tree[key]
        return holder, key

    def _value(self) -> Any:
        kind = self._random.randrange(8)
        if kind == 0:
            return self._random.choice((None, None, True, False, [], {}, [None], {"": None}))
        if kind <= 2:
            return self._random.choice(_NUMBERS)
        if kind == 3:
            return f"{_LITERAL}{self._random.choice(_LITERALS)}{_LITERAL}"
        if kind == 4:
            return json.loads(self._random.choice(self._by_key[self._random.choice(self._keys)]))
        if kind == 5:
            return self._random.choice(self._keys)
        return self._random.choice(_TEXTS) * self._random.choice((1, 1, 1, 2, 50))

    def _replace(self, holder: Any, key: Any) -> None:
        holder[key] = self._value()

    def _resemble(self, holder: Any, key: Any) -> None:
        """Nearly the same value."""
        value = holder[key]
        if isinstance(value, str):
            place = self._random.randrange(len(value) + 1)
            holder[key] = value[:place] + self._random.choice(_TEXTS) + value[place:]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            holder[key] = self._random.choice((value + 1, value - 1, -value, str(value), value / 2))
        elif isinstance(value, dict):
            holder[key] = list(value.values())
        elif isinstance(value, list):
            holder[key] = {str(index): one for index, one in enumerate(value)}
        else:
            holder[key] = str(value)

    def _transplant(self, holder: Any, key: Any) -> None:
        """What another review has at the same key."""
        others = self._by_key.get(key) if isinstance(key, str) else None
        holder[key] = json.loads(self._random.choice(others)) if others else self._value()

    def _delete(self, holder: Any, key: Any) -> None:
        del holder[key]

    def _repeat(self, holder: Any, key: Any) -> None:
        self._multiply(holder, key, self._random.choice((1, 1, 1, 2, 40)))

    def _multiply(self, holder: Any, key: Any, times: int) -> None:
        """The same text, item or field again and again; of a field, half the time the same key."""
        value = holder[key]
        if isinstance(value, str) and self._random.random() < 0.5:
            length = max(1, len(value))
            holder[key] = value * min(times * (length + 14) // length, 2 * MIB // length)
        elif isinstance(holder, list):
            holder[key:key] = [value] * times
        else:
            mark = self._random.choice((_AGAIN, "-"))
            holder |= {f"{key}{mark}{number}": value for number in range(times)}

    def _swap(self, holder: Any, key: Any) -> None:
        other = self._random.choice(
            list(holder) if isinstance(holder, dict) else range(len(holder))
        )
        holder[key], holder[other] = holder[other], holder[key]

    def _rename(self, holder: Any, key: Any) -> None:
        value = holder.pop(key)
        if isinstance(holder, dict):
            names = (self._random.choice(self._keys), key.upper(), self._random.choice(_TEXTS))
            holder[self._random.choice(names)] = value
        else:
            holder.append(value)

    def _insert(self, holder: Any, key: Any) -> None:
        if isinstance(holder, dict):
            new = self._random.choice(self._keys)
            holder[new] = json.loads(self._random.choice(self._by_key[new]))
        else:
            holder.insert(key, self._value())

    def _wrap(self, holder: Any, key: Any) -> None:
        value = holder[key]
        first = (
            next(iter(value.values() if isinstance(value, dict) else value or ()), None)
            if isinstance(value, dict | list)
            else value
        )
        holder[key] = self._random.choice(([value], {"a": value}, json.dumps(value), first))

    # bytes

    def _of_bytes(self, body: bytes) -> bytes:
        for _ in range(self._random.choice((1, 1, 2, 5))):
            start = self._random.randrange(len(body) + 1)
            end = min(len(body), start + self._random.choice((0, 1, 1, 2, 8, 100, len(body))))
            kind = self._random.randrange(8)
            if kind == 0 and body:
                place = self._random.randrange(len(body))
                flipped = body[place] ^ (1 << self._random.randrange(8))
                body = body[:place] + bytes([flipped]) + body[place + 1 :]
            elif kind == 1:
                body = body[:start]
            elif kind == 2:
                body = body[:start] + body[end:]
            elif kind == 3:
                body = body[:end] + body[start:]
            elif kind == 4:
                other = self._random.choice(self._corpus)
                body = body[:start] + other[self._random.randrange(len(other)) :]
            elif kind == 5:
                body = body[:start] + self._random.randbytes(end - start) + body[end:]
            else:
                body = body[:start] + self._random.choice(_TOKENS) + body[end:]
        return body


def dumps(tree: Any) -> bytes:
    """JSON, with the same key twice and what is no JSON where a mutation wants it."""
    text = json.dumps(tree, separators=(",", ":"))
    if "\\ue000" in text:
        text = re.sub(r"\\ue000\d*", "", text)
    if "\\ue001" in text:
        text = re.sub(r'"\\ue001(.*?)\\ue001"', r"\1", text).replace("\\ue001", "")
    return text.encode()
