"""The command that keeps an installation in order."""

from pathlib import Path

import click

from webhook.cli.loading import refuse
from webhook.cli.options import (
    Namespace,
    ObjectName,
    Port,
    Seconds,
    documents_options,
    excluded_option,
    option,
)

DEFAULT_CONTROLLER_PORT = 8080


@click.command()
@option(
    "--certificates",
    type=click.Choice(["self", "cert-manager", "files"]),
    default="self",
    show_default=True,
    help="Who makes them: the controller, cert-manager and its injector, or somebody else. The "
    "controller only watches those of others.",
)
@option(
    "--namespace",
    "-n",
    metavar="NAME",
    type=Namespace(),
    help="Where Service and Secret are.  [default: that of the pod]",
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
    "--secret",
    metavar="NAME",
    type=ObjectName(),
    help="The certificates' Secret.  [default: podworthy-tls, with --certificates files none]",
)
@option(
    "--configuration",
    "configurations",
    metavar="NAME",
    multiple=True,
    required=True,
    type=ObjectName(),
    help="A webhook configuration; of each kind, the one by this name. May be repeated.",
)
@option(
    "--cluster-domain",
    metavar="DOMAIN",
    type=ObjectName(),
    default="cluster.local",
    show_default=True,
    help="What the names of Services end with in this cluster.",
)
@option(
    "--canary-namespace",
    metavar="NAME",
    type=Namespace(),
    help="Where to dry-run a bad pod once a minute: one whose pods the webhook judges.  "
    "[default: no canary]",
)
@option(
    "--audit-interval",
    metavar="SECONDS",
    type=Seconds(min=1),
    help="Audit the cluster, and again so long after each audit.  [default: no audits]",
)
@option(
    "--profile",
    default="baseline",
    show_default=True,
    help="In audits, the profile of namespaces that name none.",
)
@documents_options
@excluded_option("In audits, leave out this namespace, as kube-system. May be repeated.")
@option(
    "--policy-reports",
    is_flag=True,
    help="Write what audits find as reports of openreports.io or wgpolicyk8s.io, one for each "
    "namespace.",
)
@option(
    "--database",
    metavar="URL",
    help="Keep totals of audits and the servers' denials there, for `podworthy history`.",
)
@option("--host", default="0.0.0.0", show_default=True, help="Address to listen on.")  # noqa: S104
@option(
    "--port",
    type=Port(0, 65535, default=DEFAULT_CONTROLLER_PORT),
    default=DEFAULT_CONTROLLER_PORT,
    show_default=True,
    help="For /livez, /readyz and /metrics, without TLS; 0 takes a free one and prints it.",
)
def controller(
    certificates: str,
    namespace: str | None,
    service: str,
    secret: str | None,
    configurations: tuple[str, ...],
    cluster_domain: str,
    canary_namespace: str | None,
    audit_interval: float | None,
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    excluded: tuple[str, ...],
    policy_reports: bool,
    database: str | None,
    host: str,
    port: int,
) -> None:
    """Keep the webhook's certificates, and see that pods are judged.

    The API server is that of KUBECONFIG, else that of the pod.

    \b
    Examples:
      podworthy controller --configuration podworthy --canary-namespace podworthy-canary
      podworthy controller --certificates cert-manager --configuration podworthy
    """
    import msgspec

    from webhook.cluster.client import namespace_of_this_pod
    from webhook.controller.audits import Plan
    from webhook.controller.certificates import Service
    from webhook.controller.reading import Mode, Subject
    from webhook.controller.run import Audits, Settings, run
    from webhook.errors import PodworthyError

    here = namespace or namespace_of_this_pod()
    if here is None:
        raise click.UsageError("give --namespace: this is no pod, whose own it could be")
    if secret is None and certificates != "files":
        secret = "podworthy-tls"  # noqa: S105 the name of an object
    subject = Subject(
        msgspec.convert(certificates, Mode),
        Service(here, service, cluster_domain),
        secret,
        tuple(dict.fromkeys(configurations)),
    )
    audits = None
    if audit_interval is not None:
        plan = Plan(here, profile, (*profiles, *exemptions), frozenset(excluded), audit_interval)
        audits = Audits(plan, policy_reports, database)
    elif policy_reports or database is not None:
        raise click.UsageError("results of audits are to be written: give --audit-interval")
    try:
        run(Settings(subject, canary_namespace, host, port, audits))
    except PodworthyError as error:
        refuse(error)
