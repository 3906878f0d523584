"""The content of a request as the published schema describes it: one property for each row of `fields.FIELDS`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from governance.domain.requests import fields
from governance.domain.requests.fields import EVIDENCE_LENGTH_MAX, LIST_LENGTH_MAX, Field, FieldType
from governance.domain.requests.parse import COUNTRY, LINK, NAME
from governance.domain.requests.spelling import CONTENT_VERSIONS

Schema = dict[str, Any]


class ContentField(serializers.DictField):
    """An object of named answers. What is wrong with them is said by the parser of requests, when it is asked."""


class ContentSchema(OpenApiSerializerFieldExtension):
    target_class = ContentField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Schema:
        return content_schema()


def content_schema() -> Schema:
    """The JSON schema of a request's content. A draft may leave any of it open, so nothing is required here."""
    properties = {row.name: _described(row) for row in fields.FIELDS}
    earlier = {
        row.earlier_name: _schema(row)
        | {
            "deprecated": True,
            "description": f"The earlier name of `{row.name}`, read until 1.0.",
        }
        for row in fields.FIELDS
        if row.earlier_name
    }
    version = {"type": "integer", "enum": list(CONTENT_VERSIONS), "description": "Version of the content."}
    return {
        "type": "object",
        "properties": properties | earlier | {"schema": version},
        "additionalProperties": False,
        "description": "Answers by name, as `docs/fields.md` lists them.",
    }


def _described(row: Field) -> Schema:
    parts = [f"{row.label}.", row.question, row.hint, f"Rules read it as `{row.fact}`." if row.fact else ""]
    schema = _schema(row) | {"nullable": True, "description": " ".join(part for part in parts if part)}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    if row.default is not None:
        schema["default"] = list(row.default) if isinstance(row.default, tuple) else row.default
    return schema


def _schema(row: Field) -> Schema:
    match row.type:
        case FieldType.TEXT:
            return {"type": "string", "maxLength": int(row.maximum)}
        case FieldType.NAME:
            return {"type": "string", "pattern": NAME.pattern}
        case FieldType.CHOICE:
            return {"type": "string", "enum": list(row.slugs)}
        case FieldType.CHOICES:
            return _list({"type": "string", "enum": list(row.slugs)})
        case FieldType.NAMES:
            return _list({"type": "string", "pattern": NAME.pattern})
        case FieldType.COUNTRY:
            return {"type": "string", "pattern": COUNTRY.pattern}
        case FieldType.COUNTRIES:
            return _list({"type": "string", "pattern": COUNTRY.pattern})
        case FieldType.DAY:
            return {"type": "string", "format": "date"}
        case FieldType.NUMBER:
            return {"type": "number", "minimum": row.minimum, "exclusiveMinimum": True, "maximum": row.maximum}
        case FieldType.COUNT:
            return {"type": "integer", "minimum": 0, "maximum": int(row.maximum)}
        case FieldType.TRUTH:
            return {"type": "boolean"}
        case FieldType.EVIDENCE:
            kind = {"type": "string", "enum": list(row.slugs)}
            link = {"type": "string", "pattern": LINK.pattern, "maxLength": 500}
            entry = {
                "type": "object",
                "properties": {"kind": kind, "url": link},
                "required": ["kind", "url"],
                "additionalProperties": False,
            }
            return {"type": "array", "items": entry, "maxItems": EVIDENCE_LENGTH_MAX}
        case FieldType.WORK:
            return {"type": "object", "additionalProperties": True}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": LIST_LENGTH_MAX}
