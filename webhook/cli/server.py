"""The command that serves."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.loading import load_documents, load_policies, note_empty, refuse
from webhook.cli.options import (
    DEFAULT_PORT,
    Group,
    Port,
    Seconds,
    controllers_option,
    docs_url_option,
    documents_options,
    option,
    policies_option,
)

if TYPE_CHECKING:
    from webhook.api import Policy


@click.command()
@option("--dev", is_flag=True, help="On 127.0.0.1, with a certificate of its own.")
@option("--wsgi", is_flag=True, help="Run the Flask application on gunicorn's threads.")
@option("--host", help="Address to listen on.  [default: 0.0.0.0, with --dev 127.0.0.1]")
@option(
    "--port",
    type=Port(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="0 takes a free one and prints it.",
)
@option("--cert", type=click.Path(path_type=Path), help="PEM file: certificate and chain.")
@option("--key", type=click.Path(path_type=Path), help="PEM file: its private key.")
@option(
    "--client-ca",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="PEM file: give verdicts to clients of this authority alone.",
)
@option(
    "--client-name",
    "client_names",
    metavar="NAME",
    multiple=True,
    help="And only to those with this common name. May be repeated.",
)
@option(
    "--profile",
    default="baseline",
    show_default=True,
    help="The profile for requests whose path names none.",
)
@documents_options
@policies_option
@controllers_option
@docs_url_option
@option(
    "--log-allowed",
    metavar="RATE",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Log this part of the reviews with nothing to tell, too: 1 for all, 0.01 for each 100th.",
)
@option(
    "--break-glass-group",
    metavar="GROUP",
    type=Group(),
    help="Log what members get past: the group of which no validating webhook is asked.",
)
@option(
    "--tracing",
    is_flag=True,
    help="Send a span of each review by OTLP, as OTEL_* variables say; needs podworthy[tracing].",
)
@option(
    "--drain",
    type=Seconds(0),
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
    client_ca: Path | None,
    client_names: tuple[str, ...],
    profile: str,
    profiles: tuple[Path, ...],
    exemptions: tuple[Path, ...],
    policies_dirs: tuple[Path, ...],
    controllers: tuple[str, ...],
    docs_url: str | None,
    log_allowed: float,
    break_glass_group: str | None,
    tracing: bool,
    drain: float,
) -> None:
    """Answer the API server's AdmissionReviews over HTTPS.

    \b
    Examples:
      podworthy serve --dev
      podworthy serve --cert tls.crt --key tls.key --profiles /etc/podworthy/profiles
    """
    from webhook.errors import PodworthyError
    from webhook.server.rules import Sources
    from webhook.server.serve import Settings
    from webhook.server.serve import serve as run

    if (cert is None) != (key is None) or (cert is None) != dev:
        raise click.UsageError("give --cert and --key, or --dev for a certificate of its own")
    if client_names and client_ca is None:
        raise click.UsageError("--client-name needs --client-ca, which says whose names they are")
    paths = tuple(dict.fromkeys((*profiles, *exemptions)))
    try:
        settings = Settings(
            host=host or ("127.0.0.1" if dev else "0.0.0.0"),  # noqa: S104 a pod's every address
            port=port,
            cert=cert,
            key=key,
            client_ca=client_ca,
            client_names=frozenset(client_names),
            wsgi=wsgi,
            drain=drain,
            tracing=tracing,
        )
        known = load_policies(policies_dirs)
        # an empty one may be a ConfigMap that is filled later
        note_empty(paths)
        sources = Sources(
            paths,
            profile,
            frozenset(controllers),
            docs_url,
            known,
            log_allowed,
            break_glass_group,
        )
        run(sources, settings, _pages(known))
    except PodworthyError as error:
        refuse(error)


def _pages(known: "Mapping[str, Policy[Any]]") -> "Callable[[], dict[str, bytes]]":
    """Makes the pages of the policies, once somebody reads one; their docstrings are read now."""
    from webhook.explain import pages
    from webhook.server.surface import PAGES

    policies = pages(known.values(), load_documents((), known).profiles)

    def rendered() -> dict[str, bytes]:
        from webhook.explain.html import site

        return site(policies, PAGES)

    return rendered
