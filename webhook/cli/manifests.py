"""The commands about manifests: audit, fix, exemptions."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from webhook.cli.cluster import audit_cluster, check_audited, cluster_options, load_docket
from webhook.cli.earlier import (
    baseline_option,
    database_option,
    fail_on_option,
    load_baseline,
    load_trend,
    shard_option,
)
from webhook.cli.loading import load_court, load_policies
from webhook.cli.options import (
    Namespace,
    check_formats,
    controllers_option,
    docs_url_option,
    documents_options,
    formats_option,
    namespace_option,
    option,
    policies_option,
    team_label_option,
)

if TYPE_CHECKING:
    from webhook.audit.shard import Shard


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@cluster_options
@option("--profile", default="baseline", show_default=True, help="Judge by this profile.")
@documents_options
@policies_option
@controllers_option
@formats_option()
@fail_on_option
@baseline_option
@database_option
@shard_option
@option(
    "--namespace",
    "-n",
    metavar="NAME",
    type=Namespace(),
    help="Namespace of objects that name none; of a cluster, the one to judge.",
)
@docs_url_option
@team_label_option
@option("--show-fill", is_flag=True, help="Show as a diff what `podworthy fix` would write.")
def audit(
    paths: tuple[str, ...],
    cluster: bool,
    context: str | None,
    selector: str | None,
    excluded: tuple[str, ...],
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    controllers: tuple[str, ...],
    formats: tuple[tuple[str, str | None], ...],
    fail_on: str,
    baseline: str | None,
    database: str | None,
    shard: "Shard | None",
    namespace: str | None,
    docs_url: str | None,
    team_label: str,
    show_fill: bool,
) -> None:
    """Judge manifests in files and directories; - is standard input.

    With --cluster, judge what runs: each namespace by the profile that its label
    podworthy.dev/profile names, others by --profile.

    Exits 0 if clean, 1 for findings, 2 for wrong usage, 3 if some input could not be judged.

    \b
    Examples:
      podworthy audit deploy/
      podworthy audit --profile strict --format json app.yaml
      podworthy audit --format text --format sarif=podworthy.sarif deploy/
      podworthy audit --profile strict --format html=report.html deploy/
      helm template chart/ | podworthy audit -
      podworthy audit --cluster --context production
      podworthy audit --baseline last-week.json --fail-on new deploy/
    """
    from webhook.audit import run
    from webhook.report.reports import Format

    check_audited(
        paths,
        cluster=cluster,
        context=context,
        selector=selector,
        excluded=excluded,
        show_fill=show_fill,
    )
    _prepare(paths)
    check_formats(formats)
    if show_fill and "text" not in dict(formats):
        raise click.UsageError(
            "--show-fill prints diffs, which of all formats text alone has; html has them unasked"
        )
    if shard and baseline:
        raise click.UsageError("a shard has only its share: give --baseline to podworthy merge")
    earlier = load_baseline(baseline, profile, fail_on)
    trend = load_trend(database, formats)
    known = load_policies(policies_dirs)
    wanted = [Format(name, file) for name, file in formats]
    if cluster:
        docket = load_docket(
            profile,
            (*profiles, *exemptions),
            known,
            controllers,
            namespace,
            selector,
            excluded,
            shard,
            team_label,
        )
        sys.exit(audit_cluster(context, docket, wanted, fail_on, known, docs_url, earlier, trend))
    court = load_court(profile, (*profiles, *exemptions), known, controllers, team_label)
    sys.exit(
        run(
            paths,
            court,
            wanted,
            fail_on,
            namespace=namespace,
            policies=known,
            docs_url=docs_url,
            baseline=earlier,
            trend=trend,
            show_fill=show_fill,
            shard=shard,
        )
    )


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@option("--profile", default="baseline", show_default=True, help="Set what this profile fills.")
@documents_options
@policies_option
@namespace_option
def fix(
    paths: tuple[str, ...],
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    namespace: str | None,
) -> None:
    """Set the probe timings that nobody chose, in the files.

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
    court = load_court(profile, (*profiles, *exemptions), load_policies(policies_dirs), ())
    sys.exit(run(paths, court, namespace=namespace))


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@option("--profile", default="baseline", show_default=True, help="Audit by this profile.")
@documents_options
@policies_option
@controllers_option
@namespace_option
@option(
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

    _prepare(paths)
    court = load_court(profile, (*profiles, *exemptions), load_policies(policies_dirs), controllers)
    sys.exit(listing(paths, court, format_name, namespace))


def _prepare(paths: tuple[str, ...]) -> None:
    """What every run over manifests begins with."""
    import logging

    # a policy that crashed is in the report; the traceback is for a server's log
    logging.getLogger("webhook").addHandler(logging.NullHandler())
    if not all(paths):
        raise click.UsageError("an empty path; is a variable unset? The present directory is .")
