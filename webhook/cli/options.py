"""The options that several commands share, and the types of what is given."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

DEFAULT_PORT = 8443
FORMATS = ("text", "json", "sarif", "junit", "github", "markdown", "openreports", "html")
"""Reports of an audit; `webhook.report` has them."""
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_STDOUT = ("-", "/dev/stdout")

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def option(flag: str, *names: str, **settings: Any) -> Decorator:
    """An option that `PODWORTHY_<FLAG>` sets, too; the flag wins."""
    variable = "PODWORTHY_" + flag.removeprefix("--").replace("-", "_").upper()
    return click.option(flag, *names, envvar=variable, **settings)


class Port(click.IntRange):
    """A port. Not what the kubelet calls so: for a Service named podworthy it sets PODWORTHY_PORT
    to `tcp://10.96.0.7:443` in every pod of the namespace (service links), ours included."""

    name = "port"

    def __init__(self, lowest: int, highest: int, default: int = DEFAULT_PORT) -> None:
        """`default` stands for the kubelet's."""
        super().__init__(lowest, highest)
        self._default = default

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, str) and "://" in value:
            return self._default
        port: int = super().convert(value, param, ctx)
        return port


class Seconds(click.FloatRange):
    """A length of time."""

    name = "seconds"


class Days(click.ParamType[int]):
    """`90d`: how long an exemption lasts."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from webhook.documents.exemptions import MAX_DAYS

        found = re.fullmatch(r"([0-9]{1,4})d", str(value))
        if not found or not 1 <= int(found[1]) <= MAX_DAYS:
            self.fail(f"{value!r}: give days, from 1d to {MAX_DAYS}d", param, ctx)
        return int(found[1])


class ReportFormat(click.ParamType[tuple[str, str | None]]):
    """`NAME[=FILE]`, as a pair; the file is None for standard output."""

    name = "format"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        name, equals, file = str(value).partition("=")
        if name not in FORMATS:
            from webhook.errors import did_you_mean

            near = did_you_mean(name, FORMATS)
            self.fail(f"no format {name!r}{near}; there are {', '.join(FORMATS)}", param, ctx)
        if equals and not file:
            self.fail(f"{value!r} names no file; leave out the = for standard output", param, ctx)
        return name, None if file in ("", *_STDOUT) else file


class Namespace(click.ParamType[str]):
    """The name of a namespace: a DNS-1123 label."""

    name = "namespace"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from webhook.documents.models import LABEL, LABEL_IN_WORDS

        if not re.fullmatch(LABEL, value):
            self.fail(f"{value!r} cannot be a namespace: give {LABEL_IN_WORDS}", param, ctx)
        return value


class ObjectName(click.ParamType[str]):
    """The name of an object: a DNS-1123 subdomain."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if len(value) > 253 or not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", value):
            self.fail(
                f"{value!r} cannot be a name: give lower-case letters, digits, - and .", param, ctx
            )
        return value


class Group(click.ParamType[str]):
    """The name of a group of users; of such characters as the chart takes, too."""

    name = "group"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9:._/@-]*", value):
            self.fail(
                f"{value!r} cannot be the group: give letters, digits and : . _ / @ -", param, ctx
            )
        return value


class DocsUrl(click.ParamType[str]):
    """Where policies are documented, see `webhook.links`."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from webhook.links import base_url

        try:
            return base_url(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _documents_option(what: str) -> Decorator:
    return option(
        f"--{what}",
        metavar="DIR",
        multiple=True,
        type=click.Path(path_type=Path),
        help=f"Add the {what} in a directory or file. May be repeated.",
    )


profiles_option = _documents_option("profiles")


def excluded_option(text: str) -> Decorator:
    """The option that leaves namespaces out; the command gets them as `excluded`."""
    return option(
        "--exclude-namespace",
        "excluded",
        metavar="NAME",
        multiple=True,
        type=Namespace(),
        help=text,
    )


def documents_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where documents are; the command gets them as `profiles` and so on."""
    return profiles_option(_documents_option("exemptions")(command))


policies_option = option(
    "--policies-dir",
    "policies_dirs",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Add the policies in a directory: Python, run by this process. May be repeated.",
)

namespace_option = option(
    "--namespace",
    "-n",
    metavar="NAME",
    type=Namespace(),
    help="Namespace of objects that name none.",
)

controllers_option = option(
    "--controller",
    "controllers",
    metavar="USER",
    multiple=True,
    help="Believe this user's ownerReferences, as those of the built-in controllers. May be "
    "repeated.",
)

team_label_option = option(
    "--team-label",
    metavar="KEY",
    default="team",
    show_default=True,
    help="The label of workloads that names their team; reports count by it.",
)

docs_url_option = option(
    "--docs-url",
    metavar="URL",
    type=DocsUrl(),
    help="Where policies are documented: denials and reports name URL/POLICY.",
)


def formats_option(default: str = "text") -> Decorator:
    """The reports of an audit, see `check_formats`."""
    return option(
        "--format",
        "formats",
        type=ReportFormat(),
        multiple=True,
        default=[default],
        show_default=True,
        metavar="NAME[=FILE]",
        help=f"{', '.join(FORMATS)}: printed, or written to FILE. May be repeated.",
    )


def check_formats(formats: tuple[tuple[str, str | None], ...]) -> None:
    """Refuse two reports in one place."""
    names: dict[str | None, str] = {}
    for name, file in formats:
        place = os.path.realpath(file) if file else None
        if place in names:
            where = f"in {file}" if file else "on standard output"
            raise click.UsageError(
                f"only one --format fits {where}, {names[place]} or {name}; "
                f"write the other to a file: --format {name}=FILE"
            )
        names[place] = name
