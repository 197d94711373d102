"""The JSON Schema of a study's config, made from the checked model: editors complete and explain keys with it.

It refuses what can be told from one place of a config; what must fit together `load_study` tells. Numbers of the recipe
and of sections that are written as texts, which pydantic reads, it refuses.
"""

from typing import Any, get_args

from pydantic import AfterValidator, BeforeValidator
from pydantic.json_schema import GenerateJsonSchema

from prunescape.config.designs import Bounds
from prunescape.config.schema_values import Schema, design_rules, hyperparameter_schemas, open_schemas
from prunescape.config.study import Study
from prunescape.config.types import MOST_TOGETHER, SMALLEST_POINTS, CountOrAuto, Distinct, Percent, Points
from prunescape.space.recipe import PARAMETERS, Recipe
from prunescape.space.reference import field_texts, hyperparameter_line, joined

DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that editors' YAML support knows well


def _check_of(kind: Any) -> Any:
    """The function that checks a kind of value besides pydantic."""
    (mark,) = (mark for mark in get_args(kind) if isinstance(mark, AfterValidator | BeforeValidator))
    return mark.func


# what the checks of config/types.py say, by their function
CHECKED = {
    _check_of(Distinct[Any]): {"minItems": 1, "uniqueItems": True},
    _check_of(Points): {"exclusiveMinimum": SMALLEST_POINTS},
    _check_of(Percent): {"anyOf": [{"const": 0}, {"exclusiveMinimum": 1}]},
    _check_of(CountOrAuto): {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": MOST_TOGETHER}]},
}


class _Writer(GenerateJsonSchema):
    """Writes the schema of pydantic's models with our texts and checks, and without generated titles."""

    def field_title_should_be_set(self, schema) -> bool:
        return False

    def model_schema(self, schema) -> Schema:
        return _described(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema) -> Schema:
        return _described(super().dataclass_schema(schema), schema["cls"])

    def function_after_schema(self, schema) -> Schema:
        return super().function_after_schema(schema) | CHECKED.get(schema["function"]["function"], {})

    def function_before_schema(self, schema) -> Schema:
        return CHECKED.get(schema["function"]["function"]) or super().function_before_schema(schema)

    def dict_schema(self, schema) -> Schema:
        """Names the keys of a mapping that knows them, and lets no other key in than pydantic does."""
        written = super().dict_schema(schema)
        names = written.get("propertyNames", {})
        if "enum" in names:
            properties = {name: written["additionalProperties"] for name in names["enum"]}
            return {"type": "object", "properties": properties, "additionalProperties": False}
        for pattern, values in written.pop("patternProperties", {}).items():
            written |= {"additionalProperties": values, "propertyNames": names | {"pattern": pattern}}
        return written


def _described(schema: Schema, kind: type) -> Schema:
    """The schema of a class with the texts of the class and its fields; a part of its own has the text of its class."""
    schema["description"] = joined(kind.__doc__)
    schema.pop("title", None)
    texts = field_texts(kind)
    if kind is Recipe:
        texts |= {name: hyperparameter_line(PARAMETERS[name]) for name in PARAMETERS if name in schema["properties"]}
    for name, field in schema["properties"].items():
        text = texts.get(name) or (schema["description"] if "const" in field else None)
        if "$ref" in field:  # beside which the draft allows nothing
            field = {"allOf": [{"$ref": field["$ref"]}]} if text else {"$ref": field["$ref"]}
        schema["properties"][name] = field | ({"description": text} if text else {})
    return schema


def study_schema() -> Schema:
    """The schema of a whole config as JSON values."""
    schema = Study.model_json_schema(schema_generator=_Writer)
    parts = {"Study": schema, **schema["$defs"]}
    for (part, key), written in open_schemas().items():
        known = parts[part]["properties"][key]
        kept = {name: known[name] for name in ("description", "propertyNames") if name in known}
        parts[part]["properties"][key] = written | kept
    for part, rules in design_rules().items():
        parts[part] |= rules
    del schema["$defs"][Bounds.__name__]  # open_schemas has them by hyperparameter
    schema["$defs"] |= hyperparameter_schemas()
    return {"$schema": DRAFT, "title": "prunescape"} | schema
