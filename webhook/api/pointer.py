"""JSON Pointers (RFC 6901), token by token."""


def pointer_token(key: str) -> str:
    """A key as one token of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def pointer_keys(pointer: str) -> list[str]:
    """The keys and indices that a JSON Pointer goes by; none for the root."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
