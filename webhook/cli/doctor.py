"""The command that looks at an installation."""

import sys
from typing import Literal

import click

from webhook.cli.loading import refuse
from webhook.cli.options import Namespace, ObjectName, option


@click.command()
@option(
    "--context",
    metavar="NAME",
    help="Of the kubeconfig.  [default: its current one; within a pod, the pod's cluster]",
)
@option(
    "--namespace",
    "-n",
    metavar="NAME",
    type=Namespace(),
    default="podworthy-system",
    show_default=True,
    help="Where podworthy is installed.",
)
@option(
    "--service",
    metavar="NAME",
    type=Namespace(),
    default="podworthy",
    show_default=True,
    help="The Service by which API servers reach the webhook.",
)
@option(
    "--configuration",
    metavar="NAME",
    type=ObjectName(),
    default="podworthy",
    show_default=True,
    help="Both webhook configurations.",
)
@option(
    "--secret",
    metavar="NAME",
    type=ObjectName(),
    default="podworthy-tls",
    show_default=True,
    help="The certificates' Secret.",
)
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
def doctor(
    context: str | None,
    namespace: str,
    service: str,
    configuration: str,
    secret: str,
    form: Literal["text", "json"],
) -> None:
    """Check an installation; nothing is changed.

    Exits 0 if all is well, warnings aside, 1 if something is broken, 2 for wrong usage, 3 if
    something cannot be told, for want of a right or of an answer.

    \b
    Examples:
      podworthy doctor
      podworthy doctor --context production --format json
    """
    from webhook.doctor.report import Names
    from webhook.doctor.run import run
    from webhook.errors import ClusterError

    try:
        sys.exit(run(Names(namespace, service, configuration, secret), context, form))
    except ClusterError as error:
        refuse(error)
