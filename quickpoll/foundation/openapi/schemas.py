"""Models as OpenAPI describes them: each one once among the components, with an example."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]

_REFERENCE = "#/components/schemas/{model}"


class _Plain(GenerateJsonSchema):
    """Without titles made from names; what an answer may leave out is left out, never null."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Field names speak for themselves."""
        return False

    def normalize_name(self, name: str) -> str:
        """``PollBody`` is the body of a ``Poll``."""
        return super().normalize_name(name).removesuffix("Body")

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Answers may have more fields one day; a client is not to refuse them."""
        described = super().model_schema(schema)
        if self.mode == "serialization" and described.get("additionalProperties") is False:
            del described["additionalProperties"]
        return described

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """In answers a default stands for an absent field."""
        if self.mode == "validation":
            return super().default_schema(schema)
        return _present(self.generate_inner(schema["schema"]))


def _present(described: Schema) -> Schema:
    """The schema of a value that is there, of one that may be there or be null."""
    found = [one for one in described.get("anyOf", ()) if one != {"type": "null"}]
    if len(found) != 1:
        return described
    others = {name: value for name, value in described.items() if name != "anyOf"}
    return {**found[0], **others}


def reference(model: Any, mode: Mode, components: Schema) -> Schema:
    """The schema of a model or a list of one, which it adds to the components."""
    if get_origin(model) is list:
        return {"type": "array", "items": reference(get_args(model)[0], mode, components)}
    described = plain_schema(model, mode)
    components.update(described.pop("$defs", {}))
    name = model.__name__.removesuffix("Body")
    described.pop("title", None)
    components[name] = described
    return {"$ref": _REFERENCE.format(model=name)}


def query_fields(model: type[BaseModel]) -> dict[str, Schema]:
    """What an address may ask for, by name: what is left out is absent, never null."""
    found: dict[str, Schema] = _written(model, "validation")["properties"]
    for field in found.values():
        if field.get("default", ...) is None:
            del field["default"]
        _tell_default(field)
    return {name: _present(field) for name, field in found.items()}


def plain_schema(model: type[BaseModel], mode: Mode) -> Schema:
    """A model's own schema."""
    described = _written(model, mode)
    models = described.get("$defs", {}).values()
    for one in models:
        one.pop("title", None)
    for one in (described, *models):
        for field in one.get("properties", {}).values():
            _tell_default(field)
    return described


def _written(model: type[BaseModel], mode: Mode) -> Schema:
    return model.model_json_schema(ref_template=_REFERENCE, schema_generator=_Plain, mode=mode)


def _tell_default(field: Schema) -> None:
    """Say in words what stands for a field that is left out: generators of clients take the
    keyword ``default`` for a promise that the field is there, and require it."""
    if "default" in field:
        default = json.dumps(field.pop("default"))
        words = f"{field.get('description', '')} Default: `{default}`."
        field["description"] = words.strip()


def example(model: Any) -> Any:
    """The first example that a model gives, as the only one in a list where it is one of many."""
    if get_origin(model) is list:
        return [example(get_args(model)[0])]
    return plain_schema(model, "serialization")["examples"][0]
