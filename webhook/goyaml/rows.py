"""Where values stand: a tree beside the values, looked into only when somebody asks."""

import msgspec

from webhook.api.pointer import pointer_keys


class Rows(msgspec.Struct):
    """The rows of what is in one mapping or list, by key or index; 0-based."""

    at: dict[str | int, int] = msgspec.field(default_factory=dict)
    inside: dict[str | int, "Rows"] = msgspec.field(default_factory=dict)
    """Those of the mappings and lists in it; what came by an alias or a merge has none."""

    def row_of(self, pointer: str) -> int | None:
        """The row of a JSON Pointer's value or of its nearest parent; None if that is the root."""
        found: int | None = None
        rows: Rows | None = self
        for key in pointer_keys(pointer):
            step: str | int = key
            if rows and key not in rows.at and key.isdecimal():
                step = int(key)
            if rows is None or step not in rows.at:
                break
            found, rows = rows.at[step], rows.inside.get(step)
        return found
