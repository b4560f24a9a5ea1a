"""The commands about policies: policies, explain."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from webhook.cli.loading import load_documents, load_policies, refuse
from webhook.cli.options import option, policies_option, profiles_option

if TYPE_CHECKING:
    from webhook.profile import Profile

_WIDEST: Final = 100
_NARROWEST: Final = 40
"""Columns."""


@click.command()
@option(
    "--profile",
    "names",
    metavar="NAME",
    multiple=True,
    help="Show this profile. May be repeated.  [default: those of --profiles, else the shipped "
    "ones]",
)
@profiles_option
@policies_option
def policies(
    names: tuple[str, ...], profiles: tuple[Path, ...], policies_dirs: tuple[Path, ...]
) -> None:
    """List the policies, with their actions in profiles.

    Exits 2 for a profile that cannot be loaded.

    \b
    Examples:
      podworthy policies
      podworthy policies --profiles governance/
      podworthy policies --profiles governance/ --profile strict --profile payments
    """
    from webhook.errors import PodworthyError
    from webhook.explain.listing import listing

    known = load_policies(policies_dirs)
    try:
        shipped = load_documents((), known).profiles
        loaded = load_documents(profiles, known).profiles if profiles else shipped
        own = [name for name in loaded if name not in shipped]
        if profiles and not own and not names:
            where = ", ".join(map(str, profiles))
            raise click.UsageError(f"no Profile in {where}; --profile NAME shows a shipped one")
        shown = _named(names or own or list(shipped), loaded)
    except PodworthyError as error:
        refuse(error)
    click.echo(listing(known.values(), shown, _width()))


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
        click.echo(text(page(known[policy], load_documents((), known).profiles), _width()))
    except DocstringError as error:
        refuse(error)


def _named(names: Sequence[str], profiles: "Mapping[str, Profile]") -> "list[Profile]":
    """Raises `UnknownProfile`."""
    from webhook.errors import UnknownProfile

    for name in names:
        if name not in profiles:
            raise UnknownProfile(name, profiles)
    return [profiles[name] for name in dict.fromkeys(names)]


def _width() -> int | None:
    """Columns of the terminal, within bounds; None where the output goes elsewhere."""
    import shutil

    if not sys.stdout.isatty():
        return None
    return max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
