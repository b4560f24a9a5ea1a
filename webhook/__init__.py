"""Podworthy lets in pods that can be probed and whose data outlives them."""

__version__ = "0.1.0"
