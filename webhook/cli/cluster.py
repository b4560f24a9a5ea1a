"""What `audit --cluster` adds to the command: its options, and the audit of a cluster."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhook.cli.loading import load_rules, refuse, today
from webhook.cli.options import excluded_option, option

if TYPE_CHECKING:
    from webhook.audit.live import Docket
    from webhook.audit.shard import Shard
    from webhook.cli.loading import Policies
    from webhook.report.baseline import Baseline
    from webhook.report.entries import DayEntry
    from webhook.report.reports import Format


def cluster_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which cluster, and what of it."""
    selector = option(
        "--selector",
        "-l",
        metavar="LABELS",
        help="With --cluster: judge only objects with these labels, as kubectl takes them.",
    )
    context = option(
        "--context", metavar="NAME", help="With --cluster: the kubeconfig's context, not its own."
    )
    cluster = option("--cluster", is_flag=True, help="Judge what runs in a cluster, not files.")
    excluded = excluded_option(
        "With --cluster: leave out this namespace, as kube-system and kube-node-lease. May be "
        "repeated."
    )
    return cluster(context(selector(excluded(command))))


def check_audited(
    paths: Sequence[str],
    *,
    cluster: bool,
    context: str | None,
    selector: str | None,
    excluded: tuple[str, ...],
    show_fill: bool,
) -> None:
    """Refuse what makes no sense together."""
    if not cluster:
        if not paths:
            raise click.UsageError(
                "nothing to judge: name files or directories, - for standard input, or --cluster"
            )
        for flag, value in (
            ("--context", context),
            ("--selector", selector),
            ("--exclude-namespace", excluded or None),
        ):
            if value is not None:
                raise click.UsageError(f"{flag} is about a cluster: add --cluster, without PATHs")
        return
    if paths:
        raise click.UsageError(
            "files or a cluster: PATHs are judged without --cluster, in a run of their own"
        )
    if show_fill:
        raise click.UsageError("--show-fill prints diffs of files; a cluster has none")
    if context == "":
        raise click.UsageError("an empty --context; is a variable unset?")


def load_docket(
    profile: str,
    paths: tuple[Path, ...],
    known: "Policies",
    controllers: tuple[str, ...],
    namespace: str | None,
    selector: str | None,
    excluded: tuple[str, ...],
    shard: "Shard | None",
    team_label: str | None = None,
) -> "Docket":
    """By what a cluster is judged: all profiles, the named one where a namespace names none."""
    from webhook.audit.live import EXCLUDED, Docket, Scope

    documents = load_rules(profile, paths, known)
    return Docket(
        documents.profiles,
        profile,
        documents.exemptions,
        today(),
        frozenset(controllers),
        Scope(namespace, selector or None, EXCLUDED.union(excluded), shard),
        team_label,
    )


def audit_cluster(
    context: str | None,
    docket: "Docket",
    formats: "Sequence[Format]",
    fail_on: str,
    known: "Policies",
    docs_url: str | None,
    baseline: "Baseline | None",
    trend: "Sequence[DayEntry] | None",
) -> int:
    """Judge the cluster of a context; the exit code."""
    from webhook.audit.live import run
    from webhook.cluster import connect
    from webhook.errors import ClusterError

    try:
        client = connect(context)
    except ClusterError as error:
        refuse(error)
    return run(
        client,
        docket,
        formats,
        fail_on,
        policies=known,
        docs_url=docs_url,
        baseline=baseline,
        trend=trend,
    )
