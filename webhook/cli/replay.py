"""The command about recorded requests: replay."""

import sys
from pathlib import Path

import click

from webhook.cli.loading import load_court, load_policies
from webhook.cli.options import (
    controllers_option,
    documents_options,
    excluded_option,
    option,
    policies_option,
)


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...")
@option("--profile", default="baseline", show_default=True, help="Judge by this profile.")
@documents_options
@policies_option
@controllers_option
@excluded_option(
    "Leave out audit events of this namespace, as those of kube-system, kube-node-lease and "
    "podworthy-system. May be repeated."
)
@option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
@option(
    "--fail-on",
    type=click.Choice(["deny", "warn", "never"]),
    default="deny",
    show_default=True,
    help="Exit 1 if a request would have been denied, or warned of.",
)
def replay(
    paths: tuple[str, ...],
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    controllers: tuple[str, ...],
    excluded: tuple[str, ...],
    format_name: str,
    fail_on: str,
) -> None:
    """Judge recorded requests: who would have been denied?

    FILEs are the API server's audit log, recorded AdmissionReviews, or podworthy's decision log, as
    JSON lines or one after the other, compressed by gzip or not; directories of them; - is standard
    input. Exemptions count as of today.

    Exits 0 if nobody would have been denied, 1 if somebody would, 2 for wrong usage, 3 if something
    could not be read or judged, as an object that the audit level leaves out.

    \b
    Examples:
      podworthy replay --profile strict /var/log/kubernetes/audit/
      podworthy replay --profile strict --format json reviews.jsonl
      zstdcat audit.log.zst | podworthy replay -
    """
    import logging

    from webhook.replay import run

    # a policy that crashed is counted; the traceback is for a server's log
    logging.getLogger("webhook").addHandler(logging.NullHandler())
    if not all(paths):
        raise click.UsageError("an empty path; is a variable unset? The present directory is .")
    court = load_court(profile, (*profiles, *exemptions), load_policies(policies_dirs), controllers)
    sys.exit(run(paths, court, format_name, fail_on, excluded=excluded))
