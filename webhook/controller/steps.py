"""The steps of which a plan is made: each is one write."""

import msgspec
from cryptography import x509

from webhook.controller.certificates import Pair
from webhook.controller.state import Registration


class NewAuthority(msgspec.Struct, frozen=True):
    """Make one, and write it to the Secret beside those that are known."""

    authorities: tuple[x509.Certificate, ...]
    """To be in force beside it."""
    with_leaf: bool
    """Sign at once: nobody believes anything yet, so there is nothing to lose."""
    why: str


class Sign(msgspec.Struct, frozen=True):
    """Make a leaf, and write it to the Secret."""

    authority: Pair
    authorities: tuple[x509.Certificate, ...]
    why: str


class Record(msgspec.Struct, frozen=True):
    """Write to the Secret which authorities are in force."""

    authorities: tuple[x509.Certificate, ...]
    why: str


class Trust(msgspec.Struct, frozen=True):
    """Write the authorities in force into every caBundle of one configuration."""

    registration: Registration
    authorities: tuple[x509.Certificate, ...]
    why: str


Step = NewAuthority | Sign | Record | Trust
