"""A policy's params as a tree with types and descriptions, from the JSON Schema of its model."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec
import yaml
from pydantic import BaseModel

Schema = Mapping[str, Any]


class Param(msgspec.Struct, frozen=True):
    """One key in YAML, or several in a row that take the same."""

    names: tuple[str, ...]
    type: str
    """In words; what is to be written as it is stands in backticks."""
    description: str = ""
    default: str = ""
    """`required`, or the default as JSON; empty where `defaults` shows it."""
    children: tuple["Param", ...] = ()
    """The keys of the mapping, or of each mapping in the list."""


def tree(model: type[BaseModel], descriptions: Mapping[str, str]) -> tuple[Param, ...]:
    """The keys of a model; `descriptions` say more of its own ones, by name in YAML."""
    schema = model.model_json_schema(by_alias=True)
    return tuple(_Tree(schema.get("$defs", {})).params(schema, descriptions))


def defaults(model: type[BaseModel]) -> str:
    """Every param with its default, as YAML; inside of params, what is null is left out."""
    values = model().model_dump(mode="json", by_alias=True)
    values |= model().model_dump(mode="json", by_alias=True, exclude_none=True)
    lines = (
        yaml.safe_dump(
            {name: value},
            sort_keys=False,
            # braces for what is in a param, not around it
            default_flow_style=None if isinstance(value, list | dict) else False,
            width=70,
        )
        for name, value in values.items()
    )
    return "".join(lines).rstrip("\n")


_WORDS: Final = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "object": "mapping",
    "array": "list",
}
_SEVERAL: Final = {word: f"{word}s" for word in ("string", "integer", "number", "mapping", "list")}
_LIMITS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "pattern": "matching `{}`",
    "minItems": "{} or more",
    "maxItems": "{} or fewer",
    "minLength": "{} or more characters",
    "maxLength": "{} or fewer characters",
}


class _Tree:
    """Walks a JSON Schema as pydantic writes it."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._inside: list[str] = []

    def params(
        self, schema: Schema, descriptions: Mapping[str, str], *, of_entries: bool = False
    ) -> Iterator[Param]:
        """`of_entries`: of a list, say, whose entries no default of a param shows."""
        schema = self._resolved(schema)
        required = schema.get("required", ())

        def told(item: tuple[str, Schema]) -> tuple[str, str, str, Schema]:
            """Everything about a property but its name."""
            name, one = item
            default = ""
            if name in required:
                default = "required"
            elif of_entries and "default" in one:
                default = f"default `{_on_one_line(one['default'])}`"
            own = descriptions.get(name), one.get("description")
            shape = {key: one[key] for key in one.keys() - {"default", "title"}}
            return self._type(one), " ".join(filter(None, own)), default, shape

        for (words, description, default, shape), same in groupby(
            schema.get("properties", {}).items(), told
        ):
            names = tuple(name for name, _ in same)
            children = tuple(self._children(shape, of_entries=of_entries))
            yield Param(names, words, description, default, children)

    def _children(self, schema: Schema, *, of_entries: bool) -> Iterator[Param]:
        reference = schema.get("$ref", "")
        if reference and reference in self._inside:
            return  # a model that holds itself
        self._inside.append(reference)
        resolved = self._resolved(schema)
        yield from self.params(resolved, {}, of_entries=of_entries)
        entries = [resolved.get("items"), resolved.get("additionalProperties")]
        for one in (*entries, *resolved.get("anyOf", ())):
            if isinstance(one, dict):
                yield from self._children(one, of_entries=True)
        self._inside.pop()

    def _resolved(self, schema: Schema) -> Schema:
        name = schema.get("$ref", "").rpartition("/")[2]
        return {**self._definitions[name], **schema} if name else schema

    def _type(self, schema: Schema) -> str:
        schema = self._resolved(schema)
        if "anyOf" in schema:
            return _or([self._type(one) for one in schema["anyOf"]])
        if "enum" in schema or "const" in schema:
            return _or([f"`{value}`" for value in schema.get("enum", [schema.get("const")])])
        word = _WORDS.get(schema.get("type", ""), "any value")
        if isinstance(schema.get("items"), dict):
            word = f"list of {self._several(schema['items'])}"
        elif isinstance(schema.get("additionalProperties"), dict):
            word = f"mapping of names to {self._several(schema['additionalProperties'])}"
        limits = [words.format(schema[key]) for key, words in _LIMITS.items() if key in schema]
        return ", ".join([word, *limits])

    def _several(self, schema: Schema) -> str:
        word, comma, limits = self._type(schema).partition(",")
        return f"{_SEVERAL.get(word, word)}{comma}{limits}"


def _on_one_line(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _or(words: Iterable[str]) -> str:
    *most, last = words
    comma = "," if any("," in word for word in most) else ""
    return f"{', '.join(most)}{comma} or {last}" if most else last
