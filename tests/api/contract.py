"""The published schema as a contract: what of it is untyped, and whether an answer keeps to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.transport import Response

CONFORMANCE = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
ALWAYS = {"400", "401", "403", "404", "406", "429", "500", "503"}
WRITING = {"413", "415"}
PROBLEM, JSON = "application/problem+json", "application/json"


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def untyped(document: dict[str, Any]) -> list[str]:
    """Every answer of the schema that does not say what it is, by call and status; empty when all do."""
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name, answers = f"{method.upper()} {path}", operation["responses"]
            found += [f"{name} {status}: not described" for status in sorted(_expected(method) - set(answers))]
            if not any(status.startswith("2") for status in answers):
                found.append(f"{name}: no answer")
            for status, answer in answers.items():
                found += [f"{name} {status}: {why}" for why in _untyped_answer(status, answer, document)]
    return found


def _expected(method: str) -> set[str]:
    return ALWAYS | (WRITING if method != "get" else set())


def _untyped_answer(status: str, answer: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = answer.get("content", {})
    if status == "204":
        return
    media = JSON if status.startswith("2") else PROBLEM
    if set(content) != {media}:
        yield f"answers {sorted(content)} instead of {media}"
        return
    schema = content[media].get("schema", {})
    if media == PROBLEM and not schema.get("properties", {}).get("code", {}).get("enum"):
        yield "names no codes"
    yield from _untyped_schema(schema, document, "body", set())


def _untyped_schema(schema: Any, document: dict[str, Any], at: str, seen: set[str]) -> Iterator[str]:
    if not isinstance(schema, dict) or not set(schema) - {"description", "nullable", "readOnly", "title"}:
        yield f"{at} may be anything"
        return
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from _untyped_schema(document["components"]["schemas"][name], document, name, seen | {name})
        return
    parts = [each for key in ("allOf", "anyOf", "oneOf") for each in schema.get(key, ())]
    for part in parts:
        yield from _untyped_schema(part, document, at, seen)
    for name, each in schema.get("properties", {}).items():
        yield from _untyped_schema(each, document, f"{at}.{name}", seen)
    match schema.get("type"):
        case "object" if "properties" not in schema and "additionalProperties" not in schema:
            yield f"{at} is an object of which nothing is said"
        case "array":
            yield from _untyped_schema(schema.get("items"), document, f"{at}[]", seen)
        case None if not parts and "properties" not in schema and "enum" not in schema:
            yield f"{at} has no type"
    if "additionalProperties" in schema:
        yield from _untyped_schema(schema["additionalProperties"], document, f"{at}.*", seen)


# ------------------------------------------------------------------------------ answers


@cache
def operations() -> dict[tuple[str, str], schemathesis.APIOperation]:
    """(method, path template) -> what may be asked there."""
    found = [each.ok() for each in schemathesis.openapi.from_dict(document()).get_all_operations()]
    return {(each.method.upper(), each.path): each for each in found}


def case_of(method: str, path: str) -> schemathesis.Case | None:
    """The call of the schema that an address belongs to; None where it is none."""
    for (known, template), operation in operations().items():
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
        if known == method and found is not None:
            return operation.Case(path_parameters=found.groupdict())
    return None


@cache
def _checks() -> list[Any]:
    load_all_checks()
    return [CHECKS.get_one(name) for name in CONFORMANCE]


def require_conforming(case: schemathesis.Case, response: Any) -> None:
    """Status, media type, headers and body of an answer are among those that the schema describes.

    Raises:
        Exception: naming what is not, from schemathesis.
    """
    request = requests.Request(case.method, "http://testserver/").prepare()
    headers = {name.lower(): [value] for name, value in response.items()}
    answer = Response(response.status_code, headers, response.content, request, elapsed=0.0, verify=False)
    case.validate_response(answer, checks=_checks())
