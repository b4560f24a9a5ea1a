"""What a policy may say about a workload."""

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """One thing that the author should change."""

    path: str
    """JSON Pointer to the offending or the missing field; its parent exists."""
    subject: str
    """Name of the container or volume."""
    fact: str
    """What is there or missing: `no readinessProbe`, `hostPath`."""
    fix: str
    """What to do, an imperative: `use a persistentVolumeClaim`."""
    why: str = ""
    """Optional: goes on after the fact, `is tied to a node`."""
    rule: str = ""
    """One of the policy's named rules, or nothing."""

    def __post_init__(self) -> None:
        for text in (self.path, self.subject, self.fact, self.fix, self.why, self.rule):
            if not isinstance(text, str):
                raise TypeError(f"a violation is told in strings, not by {text!r}")
        _check_pointer(self.path)

    @property
    def message(self) -> str:
        """Subject, fact, reason and fix as one line."""
        return f"{self.subject}: {self.fact}{f' {self.why}' if self.why else ''}; {self.fix}"


class Fill(msgspec.Struct, frozen=True):
    """A value for a field that nobody chose."""

    path: str
    """JSON Pointer to the leaf."""
    subject: str
    """Name of the container, or of the object where no container is concerned."""
    value: int | str
    was: int | str | None
    """What stood there, None if nothing."""
    why: str
    """The evidence that nobody chose the old value."""

    def __post_init__(self) -> None:
        if not isinstance(self.value, int | str) or isinstance(self.value, bool):
            raise TypeError(f"a fill sets an integer or a string, not {self.value!r}")
        _check_pointer(self.path)


def _check_pointer(path: str) -> None:
    if path and not path.startswith("/"):
        raise ValueError(f"{path!r} is no JSON Pointer: it begins with a /")
