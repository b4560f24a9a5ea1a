"""HTML from templates: everything escaped, in pages that need nothing but themselves."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from webhook import __version__

_CODE: Final = re.compile(r"`([^`]+)`")
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters other than tab and line feed; what turns the direction of text, marks it or
has no width (Unicode's Bidi_Control and Default_Ignorable_Code_Point, without the joiners that
scripts and emoji need); what no page may hold."""


def environment(templates: Path) -> Environment:
    """Templates from a directory, which may include `palette.css`.

    Whatever they show is escaped and goes through `visible`.
    """
    made = Environment(
        loader=FileSystemLoader([templates, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    made.globals["version"] = __version__
    made.filters |= {"inline": _inline, "data": _data, "csp_hash": _csp_hash}
    return made


def visible(text: str) -> str:
    r"""With `\u202e` in place of a character that nobody sees, or that moves what others see."""
    return text if text.isprintable() else _HIDDEN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _finalized(value: Any) -> Any:
    return visible(value) if type(value) is str else value


def _inline(text: str) -> Markup:
    """Code between backticks stays code; nothing else is markup."""
    # nothing that is escaped here holds a backtick or becomes one
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(visible(text)))))  # noqa: S704 escaped


def _data(value: Any) -> Markup:
    """JSON inside a script element: without `<`, nothing can end it (HTML, 4.12.1.3)."""
    # `<` is nowhere in JSON but in strings
    encoded = msgspec.json.encode(value).decode().replace("<", "\\u003c")
    return Markup(encoded)  # noqa: S704 escaped


def _csp_hash(text: str) -> str:
    """What allows an inline style or script with exactly this text (CSP 3, 2.3.1)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
