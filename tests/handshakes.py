"""TLS handshakes in memory."""

import ssl


def begin(
    client: ssl.SSLContext, server: ssl.SSLContext, name: str | None = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends, connected; the client's first."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    return here, server.wrap_bio(to_server, to_client, server_side=True)


def finish(here: ssl.SSLObject, there: ssl.SSLObject) -> None:
    """What is left of the handshake. Raises `ssl.SSLError` as soon as one end does."""
    for end in (here, there, here, there):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue


def shake(
    client: ssl.SSLContext, server: ssl.SSLContext, name: str | None = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after a handshake; the client's first. Raises `ssl.SSLError`."""
    ends = begin(client, server, name)
    finish(*ends)
    return ends


def careless_client() -> ssl.SSLContext:
    """It takes any certificate, at any time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
