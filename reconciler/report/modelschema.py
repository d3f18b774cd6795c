"""From a model's source to its JSON Schema, with the docstrings of its fields in it.

pydantic reads them itself with ``use_attribute_docstrings``, but whenever a model is made: parsing
the source of every kind again was a third of what starting took, also where nobody reads them.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from reconciler.kinds.values import Json


def schema_of(model: type[BaseModel]) -> dict[str, Json]:
    """Give the JSON Schema of what a model takes, every documented field with its words."""
    return model.model_json_schema(schema_generator=_WithDocstrings, mode="validation")


@cache
def docs_of(model: type[BaseModel]) -> Mapping[str, str]:
    """Give the fields of a model that have a docstring, with it."""
    found: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            found |= _docs_in(part)
    return {name: found[name] for name in model.model_fields if name in found}


def _docs_in(model: type[BaseModel]) -> dict[str, str]:
    (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)  # what a model is made by
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


class _WithDocstrings(GenerateJsonSchema):
    """pydantic's own schemas, and the fields' words in them."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, text in docs_of(model).items():
            found["properties"][name].setdefault("description", text)
        return found
