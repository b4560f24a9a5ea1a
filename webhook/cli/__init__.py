"""The command line: parse options, call one function, turn its errors into exit codes.

Everything but click is imported inside the command that needs it, so that `--help` answers at once.
"""

import sys
from typing import Any

import click

from webhook import __version__
from webhook.cli.catalogue import explain, policies
from webhook.cli.controller import controller
from webhook.cli.doctor import doctor
from webhook.cli.earlier import merge
from webhook.cli.history import history
from webhook.cli.impact import impact
from webhook.cli.loading import note
from webhook.cli.manifests import audit, exemptions, fix
from webhook.cli.options import FORMATS
from webhook.cli.replay import replay
from webhook.cli.server import serve

__all__ = ["FORMATS", "main"]


class _Commands(click.Group):
    """Commands that exit 3 when Ctrl-C ends them: click's own 1 means that something was found."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            note("interrupted")
            sys.exit(3)


_SETTINGS = {"help_option_names": ["-h", "--help"]}


@click.group(
    cls=_Commands,
    context_settings=_SETTINGS,
    epilog="Every option can be set as PODWORTHY_<OPTION>.",
)
@click.version_option(__version__, prog_name="podworthy")
def main() -> None:
    """Let in pods that can be probed and whose data outlives them.

    \b
    Examples:
      podworthy audit deploy/           judge manifests, nothing is changed
      podworthy fix deploy/             set the probe timings that nobody chose
      podworthy replay audit.log        who would have been denied
      podworthy impact --to strict .    what another profile would do
      podworthy explain require-probes  what a policy asks, and why
      podworthy serve --dev             the webhook, on this machine
      podworthy controller --help       what keeps an installation in order
      podworthy doctor                  is an installation as it should be
    """


for command in (
    audit,
    impact,
    fix,
    merge,
    replay,
    exemptions,
    policies,
    explain,
    serve,
    controller,
    doctor,
    history,
):
    main.add_command(command)
