"""Where policies are documented for those who read messages and reports: a setting, or nowhere."""

import re
from typing import Final
from urllib.parse import urlsplit

MAX_URL: Final = 200
"""Characters of the address: it stands in denials, which are short."""

_PRINTABLE: Final = re.compile(r"[!-~]+")


def base_url(text: str) -> str:
    """The address of the pages without slashes at its end; a policy's page is `<address>/<id>`.

    Raises `ValueError`, whose message says what is asked, for anything else.
    """
    if not _is_base(text):
        raise ValueError(
            f"{text!r} is no address of pages: give http://HOST/PATH or https://HOST/PATH, without "
            f"query, fragment, user and password, of at most {MAX_URL} characters"
        )
    return text.rstrip("/")


def _is_base(text: str) -> bool:
    if len(text) > MAX_URL or not _PRINTABLE.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    is_plain = "?" not in text and "#" not in text and "@" not in parts.netloc
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_plain


def policy_url(base: str, policy: str) -> str:
    """The address of a policy's page, below one that `base_url` gave."""
    return f"{base}/{policy}"
