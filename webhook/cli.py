"""The command line: parse options, call one function, turn its errors into exit codes.

Everything but click is imported inside the command that needs it, so that `--help` answers at once.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhook import __version__

if TYPE_CHECKING:
    from webhook.api import Policy
    from webhook.audit import Court
    from webhook.documents import Documents

    Policies = Mapping[str, Policy[Any]]

DEFAULT_PORT = 8443
FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")
"""Reports of an audit; `webhook.report` has them."""
_STDOUT = ("-", "/dev/stdout")
_SETTINGS = {"help_option_names": ["-h", "--help"]}

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _option(flag: str, *names: str, **settings: Any) -> Decorator:
    """An option that `PODWORTHY_<FLAG>` sets, too; the flag wins."""
    variable = "PODWORTHY_" + flag.removeprefix("--").replace("-", "_").upper()
    return click.option(flag, *names, envvar=variable, **settings)


class _Port(click.IntRange):
    """A port. Not what the kubelet calls so: for a Service named podworthy it sets PODWORTHY_PORT
    to `tcp://10.96.0.7:443` in every pod of the namespace (service links), ours included."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, str) and "://" in value:
            return DEFAULT_PORT
        port: int = super().convert(value, param, ctx)
        return port


class _Format(click.ParamType[tuple[str, str | None]]):
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


class _DocsUrl(click.ParamType[str]):
    """Where policies are documented, see `webhook.links`."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from webhook.links import base_url

        try:
            return base_url(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _documents(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where documents are; the command gets them as `profiles` and so on."""
    for flag, what in (("--exemptions", "exemptions"), ("--profiles", "profiles")):
        command = _option(
            flag,
            metavar="DIR",
            multiple=True,
            type=click.Path(path_type=Path),
            help=f"Add the {what} in a directory or file. May be repeated.",
        )(command)
    return command


_policies_option = _option(
    "--policies-dir",
    "policies_dirs",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Add the policies in a directory: Python, run by this process. May be repeated.",
)

_controllers_option = _option(
    "--controller",
    "controllers",
    metavar="USER",
    multiple=True,
    help="Believe this user's ownerReferences, as those of the built-in controllers. May be "
    "repeated.",
)

_docs_url_option = _option(
    "--docs-url",
    metavar="URL",
    type=_DocsUrl(),
    help="Where policies are documented: denials and reports name URL/POLICY.",
)


@click.group(context_settings=_SETTINGS, epilog="Every option can be set as PODWORTHY_<OPTION>.")
@click.version_option(__version__, prog_name="podworthy")
def main() -> None:
    """Let in pods that can be probed and whose data outlives them.

    \b
    Examples:
      podworthy audit deploy/           judge manifests, nothing is changed
      podworthy fix deploy/             set the probe timings that nobody chose
      podworthy explain require-probes  what a policy asks, and why
      podworthy serve --dev             the webhook, on this machine
    """


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@_option("--profile", default="baseline", show_default=True, help="Judge by this profile.")
@_documents
@_policies_option
@_controllers_option
@_option(
    "--format",
    "formats",
    type=_Format(),
    multiple=True,
    default=["text"],
    show_default=True,
    metavar="NAME[=FILE]",
    help=f"{', '.join(FORMATS)}: printed, or written to FILE. May be repeated.",
)
@_option(
    "--fail-on",
    type=click.Choice(["deny", "warn", "never"]),
    default="deny",
    show_default=True,
    help="Exit 1 for a finding at or above this.",
)
@_option("--namespace", "-n", help="Namespace of objects that name none.")
@_docs_url_option
@_option("--show-fill", is_flag=True, help="Show as a diff what `podworthy fix` would write.")
def audit(
    paths: tuple[str, ...],
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    controllers: tuple[str, ...],
    formats: tuple[tuple[str, str | None], ...],
    fail_on: str,
    namespace: str | None,
    docs_url: str | None,
    show_fill: bool,
) -> None:
    """Judge manifests in files and directories; - is standard input.

    Exits 0 if clean, 1 for findings, 2 for wrong usage, 3 if some input could not be judged.

    \b
    Examples:
      podworthy audit deploy/
      podworthy audit --profile strict --format json app.yaml
      podworthy audit --format text --format sarif=podworthy.sarif deploy/
      helm template chart/ | podworthy audit -
    """
    from webhook.audit import run
    from webhook.report.reports import Format

    _prepare(paths)
    _check_formats(formats)
    if show_fill and "text" not in dict(formats):
        raise click.UsageError("--show-fill prints diffs, which only --format text has")
    known = _policies(policies_dirs)
    court = _court(profile, (*profiles, *exemptions), known, controllers)
    wanted = [Format(name, file) for name, file in formats]
    sys.exit(
        run(
            paths,
            court,
            wanted,
            fail_on,
            namespace=namespace,
            policies=known,
            docs_url=docs_url,
            show_fill=show_fill,
        )
    )


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@_option("--profile", default="baseline", show_default=True, help="Set what this profile fills.")
@_documents
@_policies_option
@_option("--namespace", "-n", help="Namespace of objects that name none.")
def fix(
    paths: tuple[str, ...],
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    namespace: str | None,
) -> None:
    """Set the probe timings that nobody chose, in the files themselves.

    Everything else stays as it is, comments and layout too. What would be written is shown by
    `podworthy audit --show-fill`. Exits 0 if all was set, 2 for wrong usage, 3 if something was
    left or could not be read.

    \b
    Examples:
      podworthy fix deploy/
      podworthy fix --profile strict app.yaml
    """
    from webhook.audit.fix import fix as run

    _prepare(paths)
    if "-" in paths:
        raise click.UsageError(
            "standard input cannot be written to; name files, or see what would be set with "
            "`podworthy audit --show-fill -`"
        )
    court = _court(profile, (*profiles, *exemptions), _policies(policies_dirs), ())
    sys.exit(run(paths, court, namespace=namespace))


@main.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_option("--profile", default="baseline", show_default=True, help="Audit by this profile.")
@_documents
@_policies_option
@_controllers_option
@_option("--namespace", "-n", help="Namespace of objects that name none.")
@_option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
def exemptions(
    paths: tuple[str, ...],
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    controllers: tuple[str, ...],
    namespace: str | None,
    format_name: str,
) -> None:
    """List exemptions: active, expiring within 30 days, expired.

    With manifests in PATHs, those that no finding in them needs are told as unused. Exits 2 for
    documents that cannot be loaded, 3 if some input could not be judged.

    \b
    Examples:
      podworthy exemptions --exemptions governance/
      podworthy exemptions --exemptions governance/ deploy/
    """
    from webhook.audit.exemptions import listing

    court = _court(profile, (*profiles, *exemptions), _policies(policies_dirs), controllers)
    sys.exit(listing(paths, court, format_name, namespace))


@main.command()
@_policies_option
def policies(policies_dirs: tuple[Path, ...]) -> None:
    """List the policies, with their actions in the profiles baseline and strict.

    \b
    Examples:
      podworthy policies
      podworthy explain require-claims
    """
    from webhook.explain.text import listing

    known = _policies(policies_dirs)
    click.echo(listing(known.values(), _load((), known).profiles))


@main.command()
@click.argument("policy", metavar="POLICY")
@_policies_option
def explain(policy: str, policies_dirs: tuple[Path, ...]) -> None:
    """Print what a policy checks, and why.

    \b
    Examples:
      podworthy explain require-probes
    """
    from webhook.errors import DocstringError, did_you_mean
    from webhook.explain import page
    from webhook.explain.text import text

    known = _policies(policies_dirs)
    if policy not in known:
        near = did_you_mean(policy, known)
        raise click.UsageError(f"no policy {policy!r}{near}; `podworthy policies` lists them")
    try:
        click.echo(text(page(known[policy], _load((), known).profiles)))
    except DocstringError as error:
        _refuse(error)


@main.command()
@_option("--dev", is_flag=True, help="On 127.0.0.1, with a certificate of its own.")
@_option("--wsgi", is_flag=True, help="Run the Flask application on gunicorn's threads.")
@_option("--host", help="Address to listen on.  [default: 0.0.0.0, with --dev 127.0.0.1]")
@_option(
    "--port",
    type=_Port(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="0 takes a free one and prints it.",
)
@_option("--cert", type=click.Path(path_type=Path), help="PEM file: certificate and chain.")
@_option("--key", type=click.Path(path_type=Path), help="PEM file: its private key.")
@_option(
    "--profile",
    default="baseline",
    show_default=True,
    help="The profile for requests whose path names none.",
)
@_documents
@_policies_option
@_controllers_option
@_docs_url_option
@_option(
    "--drain",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Seconds to go on answering after SIGTERM.",
)
def serve(
    dev: bool,
    wsgi: bool,
    host: str | None,
    port: int,
    cert: Path | None,
    key: Path | None,
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    controllers: tuple[str, ...],
    docs_url: str | None,
    drain: float,
) -> None:
    """Answer the API server's AdmissionReviews over HTTPS.

    \b
    Examples:
      podworthy serve --dev
      podworthy serve --cert tls.crt --key tls.key --profiles /etc/podworthy/profiles
    """
    from webhook.errors import PodworthyError
    from webhook.server.reload import Sources
    from webhook.server.serve import Settings
    from webhook.server.serve import serve as run

    if (cert is None) != (key is None) or (cert is None) != dev:
        raise click.UsageError("give --cert and --key, or --dev for a certificate of its own")
    paths = tuple(dict.fromkeys((*profiles, *exemptions)))
    try:
        settings = Settings(
            host=host or ("127.0.0.1" if dev else "0.0.0.0"),  # noqa: S104 a pod's every address
            port=port,
            cert=cert,
            key=key,
            wsgi=wsgi,
            drain=drain,
        )
        known = _policies(policies_dirs)
        sources = Sources(paths, profile, frozenset(controllers), docs_url, known)
        run(sources, settings, _pages(known))
    except PodworthyError as error:
        _refuse(error)


def _prepare(paths: tuple[str, ...]) -> None:
    """What every run over manifests begins with."""
    import logging

    # a policy that crashed is in the report; the traceback is for a server's log
    logging.getLogger("webhook").addHandler(logging.NullHandler())
    if not all(paths):
        raise click.UsageError("an empty path; is a variable unset? The present directory is .")


def _check_formats(formats: tuple[tuple[str, str | None], ...]) -> None:
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


def _policies(directories: tuple[Path, ...]) -> "Policies":
    from webhook import catalog
    from webhook.errors import PolicyError

    try:
        return catalog.load(directories)
    except PolicyError as error:
        _refuse(error)


def _load(paths: tuple[Path, ...], known: "Policies") -> "Documents":
    from webhook import documents

    return documents.load(dict.fromkeys(paths), known)


def _pages(known: "Policies") -> "Callable[[], dict[str, bytes]]":
    """Makes the pages of the policies, once somebody reads one; their docstrings are read now."""
    from webhook.explain import pages
    from webhook.server.surface import PAGES

    policies = pages(known.values(), _load((), known).profiles)

    def rendered() -> dict[str, bytes]:
        from webhook.explain.html import site

        return site(policies, PAGES)

    return rendered


def _court(
    profile: str,
    paths: tuple[Path, ...],
    known: "Policies",
    controllers: tuple[str, ...],
) -> "Court":
    from datetime import UTC, datetime

    from webhook.audit import Court
    from webhook.errors import PodworthyError, UnknownProfile

    try:
        documents = _load(paths, known)
        if profile not in documents.profiles:
            raise UnknownProfile(profile, documents.profiles)
    except PodworthyError as error:
        _refuse(error)
    return Court(
        documents.profiles[profile],
        documents.exemptions,
        datetime.now(UTC).date(),
        listed=frozenset(controllers),
    )


def _refuse(error: Exception) -> NoReturn:
    """Usage and documents that cannot be loaded: exit 2."""
    click.echo(f"podworthy: {error}", err=True)
    sys.exit(2)
