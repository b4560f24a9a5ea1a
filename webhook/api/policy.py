"""A policy as a value around pure functions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from webhook.api.described import Described
from webhook.api.evidence import Evidence
from webhook.api.lookups import Lookups
from webhook.api.outcome import Fill, Violation
from webhook.api.workload import KINDS, Workload


class Params(Described):
    """Base of a policy's parameters: camelCase in YAML, unknown keys and wrong types refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
    )


P = TypeVar("P", bound=Params)

LooksUp = Literal["never", "also", "only"]


@dataclass(frozen=True)
class Policy(Generic[P]):
    """One policy: exactly one of `check` and `fill`."""

    id: str
    """kebab-case, stable for ever."""
    summary: str
    """One line, for lists."""
    params: type[P]
    kinds: tuple[str, ...] = KINDS
    """The kinds it can judge; a profile may narrow them."""
    rules: tuple[str, ...] = ()
    """Named rules that a profile may give an action of their own."""
    check: Callable[[Workload, P, Lookups], Iterator[Violation]] | None = None
    fill: Callable[[Workload, P, Evidence], Iterator[Fill]] | None = None
    looks_up: LooksUp = "never"
    """Whether `check` asks its lookups anything. `only`: it says nothing of what is unknown, and is
    not even called where nobody can look around, as in admission."""
    doc: str = ""
    """The module's docstring: the policy's documentation."""

    def __post_init__(self) -> None:
        if (self.check is None) == (self.fill is None):
            raise TypeError(f"policy {self.id}: give exactly one of check and fill")
