"""How deep JSON text nests, told before anything decodes it."""

import re
from itertools import accumulate
from typing import Final

MAX_DEPTH: Final = 500
"""Levels of nesting that are read. Kubernetes' own objects stay below 50; an own bound, because
the decoder's depends on the Python version and on how deep the caller's stack is."""

# one that never ends matches, too: failing at each of its quotes takes the square of its length
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ALL_BUT_BRACES_AND_QUOTES = bytes(set(range(256)) - set(b'{}"\\'))


def nested_too_deep(body: bytes) -> bool:
    """True if arrays and objects nest more than `MAX_DEPTH` levels.

    Counting settles nearly every review at the speed of memchr. Only one with very many brackets is
    looked at closely: without its strings, as steps up and down, whose running sum is the depth.
    """
    # brackets are few: to leave them out is quicker than to count them
    openings = 2 * len(body) - len(body.replace(b"{", b"")) - len(body.replace(b"[", b""))
    if openings <= MAX_DEPTH or openings - _shallow(body) < MAX_DEPTH:
        return False
    steps = _STRING.sub(b"", body).translate(_STEPS, _ALL_BUT_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > MAX_DEPTH


def _shallow(body: bytes) -> int:
    """How many braces have nothing inside them, at least; the innermost one may be among them.

    managedFields are half of a large review, and they are full of `{}` and of keys like
    `k:{\\"name\\":...}`. A pair without a quote in its gap holds nothing even if it stands in a
    string. A backslash behind a brace is in a string, or ends the decoder's work.
    """
    kept = body.translate(None, _ALL_BUT_BRACES_AND_QUOTES)
    return kept.count(b"{}") + kept.count(b"{\\")
