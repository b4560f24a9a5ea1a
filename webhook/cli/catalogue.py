"""The commands about policies: policies, explain."""

from pathlib import Path

import click

from webhook.cli.loading import load_documents, load_policies, refuse
from webhook.cli.options import policies_option


@click.command()
@policies_option
def policies(policies_dirs: tuple[Path, ...]) -> None:
    """List the policies, with their actions in the profiles baseline and strict.

    \b
    Examples:
      podworthy policies
      podworthy explain require-claims
    """
    from webhook.explain.text import listing

    known = load_policies(policies_dirs)
    click.echo(listing(known.values(), load_documents((), known).profiles))


@click.command()
@click.argument("policy", metavar="POLICY")
@policies_option
def explain(policy: str, policies_dirs: tuple[Path, ...]) -> None:
    """Print what a policy checks, and why.

    \b
    Examples:
      podworthy explain require-probes
    """
    from webhook.errors import DocstringError, did_you_mean
    from webhook.explain import page
    from webhook.explain.text import text

    known = load_policies(policies_dirs)
    if policy not in known:
        near = did_you_mean(policy, known)
        raise click.UsageError(f"no policy {policy!r}{near}; `podworthy policies` lists them")
    try:
        click.echo(text(page(known[policy], load_documents((), known).profiles)))
    except DocstringError as error:
        refuse(error)
