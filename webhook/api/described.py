"""Models whose fields are described by the strings below them, in JSON Schema."""

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler


class Described(BaseModel):
    """A model that reads its source once somebody asks for its schema.

    pydantic's own `use_attribute_docstrings` does so whenever a class is made: a tenth of the time
    that the program needs to start. For the same reason a validator is built when it is first
    used: that of a model inside of others never is.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """pydantic's hook."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for base in cls.__mro__:
            if issubclass(base, Described) and base is not Described:
                for name, text in _descriptions(base).items():
                    field = cls.model_fields.get(name)
                    written = properties.get((field and field.alias) or name)
                    if written is not None:
                        written.setdefault("description", text)
        return schema


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """The string below each field; none where the source is not at hand."""
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    except (OSError, SyntaxError):
        return {}
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(getattr(definition, "body", ()))
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
