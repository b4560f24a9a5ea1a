"""Everything podworthy raises on purpose, but for what a package catches itself.

    PodworthyError
    ├── DocumentError     a Profile or Exemption that cannot be used (the platform team's to fix)
    ├── PolicyError       a policy of the platform team that cannot be used
    ├── DocstringError    a policy whose docstring is not its documentation
    ├── BadFixture        what a policy's test asks about cannot be read
    ├── ReportError       a report of an earlier audit that cannot be used
    ├── UnknownProfile    a profile that nobody defined
    ├── BadReview         an AdmissionReview that cannot be answered (HTTP 400)
    ├── MalformedObject   a workload whose shape Kubernetes itself would refuse
    ├── CannotServe       the server cannot start: its certificate or its address
    ├── ClusterError      an API server cannot be asked, or does not answer
    └── HistoryError      a database of audits cannot be used, or what should go into it

A *violation* is no error: it is a value (`webhook.api.Violation`), the author's to fix.
A *crash in a policy* is no error of these either: the engine catches it once and turns it into a
`webhook.engine.Crash`, for which the profile's `onFailure` decides.
"""

import difflib
from collections.abc import Iterable


class PodworthyError(Exception):
    """Base of all; `str()` is one line meant for a human."""


class _Problems(PodworthyError):
    """One line for each problem, each with its `file:line`."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class DocumentError(_Problems):
    """A Profile or Exemption is wrong, or cannot be read."""


class PolicyError(_Problems):
    """A policy that is not shipped is wrong, or must not be loaded from where it stands."""


class ReportError(PodworthyError):
    """A report of an earlier audit cannot be used; the message names its file."""


class BadFixture(PodworthyError):
    """What a policy's test asks about cannot be read: its manifest, its params, its comments."""


class UnknownProfile(PodworthyError):
    """No profile has this name; the message lists those that exist."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(
            f"no profile {name!r}{did_you_mean(name, names)}; there are {', '.join(names)}"
        )


class DocstringError(PodworthyError):
    """A policy's docstring does not have the form of `webhook.docstring`."""

    def __init__(self, policy: str, problem: str) -> None:
        super().__init__(f"policy {policy}: its docstring {problem}")


class BadReview(PodworthyError):
    """The request is not an AdmissionReview v1 that can be answered."""


class CannotServe(PodworthyError):
    """The server cannot start; the message names the way out."""


class ClusterError(PodworthyError):
    """There is no API server to ask, or it does not answer; one that refuses has answered."""

    def __init__(self, problem: str, *, may_pass: bool = False, status: int | None = None) -> None:
        """`may_pass` says that the same request may be answered a little later; `status` is that of
        the answer, if there was one and it was not what was asked for."""
        self.may_pass = may_pass
        self.status = status
        super().__init__(problem)


class HistoryError(PodworthyError):
    """A database of audits cannot be used, or what should go into it."""


class MalformedObject(PodworthyError):
    """A workload has a wrong shape at `pointer`, an RFC 6901 JSON Pointer into the object."""

    def __init__(self, pointer: str, problem: str) -> None:
        self.pointer = pointer
        self.problem = problem
        super().__init__(f"{pointer or '/'}: {problem}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a parenthesis to append, or nothing when none is near.

    Upper and lower case do not make a name another one here.
    """
    names = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), names, n=1)
    return f" (did you mean {names[near[0]]!r}?)" if near else ""
