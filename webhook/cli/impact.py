"""The command that asks what if: impact."""

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from webhook.cli.loading import load_policies, load_rules, refuse, today
from webhook.cli.options import (
    Days,
    Namespace,
    controllers_option,
    documents_options,
    excluded_option,
    option,
    policies_option,
    team_label_option,
)

if TYPE_CHECKING:
    from webhook.cluster import Fetcher
    from webhook.impact import Baseline

_OWN: Final = ("podworthy-system",)
"""Where podworthy is installed, unless somebody chose another: no webhook of it is asked there."""


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@option("--to", metavar="NAME", required=True, help="The profile that would be in force.")
@option("--cluster", is_flag=True, help="Judge what runs in a cluster, not files.")
@option("--context", metavar="NAME", help="With --cluster: the kubeconfig's context, not its own.")
@option(
    "--profile",
    default="baseline",
    show_default=True,
    help="In force now where a namespace names none.",
)
@documents_options
@policies_option
@controllers_option
@option(
    "--namespace",
    "-n",
    metavar="NAME",
    type=Namespace(),
    help="Namespace of objects that name none; of a cluster, the one to judge.",
)
@excluded_option(
    "Leave out this namespace of a cluster, as kube-system, kube-node-lease and "
    "podworthy-system. May be repeated."
)
@team_label_option
@option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
@option(
    "--write-exemptions",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the exemptions that make the promotion safe, after what is in the file.",
)
@option("--owner", metavar="TEXT", help="With --write-exemptions: who answers for them.")
@option("--reason", metavar="TEXT", help="With --write-exemptions: why they are given.")
@option(
    "--expires",
    "lifetime",
    metavar="DAYSd",
    type=Days(),
    default="90d",
    show_default=True,
    help="With --write-exemptions: in how many days they end.",
)
def impact(
    paths: tuple[str, ...],
    to: str,
    cluster: bool,
    context: str | None,
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    controllers: tuple[str, ...],
    namespace: str | None,
    excluded: tuple[str, ...],
    team_label: str,
    format_name: str,
    file: Path | None,
    owner: str | None,
    reason: str | None,
    lifetime: int,
) -> None:
    """Tell what another profile would do to what runs.

    Which pods would not come back after an eviction, which scale-ups and rollouts would be denied,
    by namespace and team, beside what is denied now. Nothing is changed in the cluster.

    Exits 0 if nothing would be hurt that is not exempt, 1 if something would, 2 for wrong usage, 3
    if something could not be read or judged.

    \b
    Examples:
      podworthy impact --to strict --cluster
      podworthy impact --to strict --cluster --namespace pay --exemptions governance/
      podworthy impact --to strict --cluster --write-exemptions governance/strict.yaml \\
          --owner team-platform --reason "ran before strict" --expires 90d
      podworthy impact --to strict deploy/
    """
    import logging

    from webhook.audit.live import EXCLUDED, Scope
    from webhook.errors import UnknownProfile
    from webhook.impact import Promotion, run

    _check(paths, cluster=cluster, context=context)
    logging.getLogger("webhook").addHandler(logging.NullHandler())
    baseline = _baseline(file, owner, reason, lifetime, today())
    documents = [*profiles, *exemptions]
    if baseline and baseline.before is not None and not _is_among(baseline.path, documents):
        documents.append(baseline.path)
    loaded = load_rules(profile, tuple(documents), load_policies(policies_dirs))
    if to not in loaded.profiles:
        refuse(UnknownProfile(to, loaded.profiles))
    promotion = Promotion(
        loaded.profiles[to],
        loaded.profiles,
        profile,
        loaded.exemptions,
        today(),
        frozenset(controllers),
        team_label,
        Scope(namespace, excluded=EXCLUDED.union(_OWN, excluded)),
    )
    client = _connect(context) if cluster else None
    sys.exit(run(paths, promotion, client, format_name, baseline=baseline))


def _check(paths: tuple[str, ...], *, cluster: bool, context: str | None) -> None:
    """Refuse what makes no sense together."""
    if not all(paths):
        raise click.UsageError("an empty path; is a variable unset? The present directory is .")
    if cluster and paths:
        raise click.UsageError("files or a cluster: leave out the PATHs, or --cluster")
    if not cluster and not paths:
        raise click.UsageError(
            "nothing to judge: --cluster, or name files or directories, or - for standard input"
        )
    if context is not None and not cluster:
        raise click.UsageError("--context is about a cluster: add --cluster, without PATHs")
    if context == "":
        raise click.UsageError("an empty --context; is a variable unset?")


def _baseline(
    file: Path | None, owner: str | None, reason: str | None, lifetime: int, granted: date
) -> "Baseline | None":
    """What is to be written, and what stands there by now."""
    from webhook.impact import Baseline
    from webhook.impact.exempting import Terms

    if file is None:
        if owner is not None or reason is not None:
            raise click.UsageError("--owner and --reason belong to --write-exemptions FILE")
        return None
    for flag, value in (("--owner", owner), ("--reason", reason)):
        if not value or not value.strip():
            raise click.UsageError(f"--write-exemptions needs {flag}: every exemption has one")
    terms = Terms(owner or "", reason or "", granted, granted + timedelta(days=lifetime))
    if not file.exists():
        return Baseline(file, terms)
    if not file.is_file():
        raise click.UsageError(f"--write-exemptions {file}: no file that could be replaced")
    try:
        return Baseline(file, terms, file.read_bytes().decode())
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--write-exemptions {file}: {error}") from error


def _is_among(file: Path, documents: list[Path]) -> bool:
    """Whether a file is read already, itself or with its directory."""
    known = {path.resolve() for path in documents}
    return file.resolve() in known or file.parent.resolve() in known


def _connect(context: str | None) -> "Fetcher":
    from webhook.cluster import connect
    from webhook.errors import ClusterError

    try:
        return connect(context)
    except ClusterError as error:
        refuse(error)
