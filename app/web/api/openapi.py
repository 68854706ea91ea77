"""The OpenAPI document, built from the routes, their docstrings and their pydantic models."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask import Flask, Response, current_app, jsonify
from pydantic import BaseModel

from app.web.api import bp
from app.web.api.asking import FILE_MARK, STATUS_MARK
from app.web.policy import policy_of, public

ERRORS = {
    "400": "Something in the request is wrong; the message names it",
    "401": "No valid token",
    "403": "The token's role may not do this",
    "404": "Not found",
    "409": "Refused; the message says why",
    "413": "The body is too large",
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "message"],
            "properties": {
                "status": {"type": "integer"},
                "message": {"type": "string"},
                "reference": {"type": "string", "description": "to find it in the log"},
            },
        }
    },
}
FILE = {"type": "string", "format": "binary", "description": "CSV or XLSX"}
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@bp.get("/openapi.json")
@public("describes the API, holds no data")
def openapi() -> Response:
    """This document."""
    return jsonify(_document(current_app._get_current_object()))  # type: ignore[attr-defined]


@cache
def _document(app: Flask) -> dict[str, Any]:
    schemas: dict[str, Any] = {"Error": ERROR}
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("api."):
            continue
        view = app.view_functions[rule.endpoint]
        path = _PARAMETER.sub(r"{\g<name>}", str(rule.rule))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = _operation(view, str(rule.rule), method, schemas)
            policy = policy_of(app, rule.endpoint)
            if policy is not None and policy.is_public:
                operation["security"] = []
            paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Yishu (医枢)", "version": "1"},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(view: Any, rule: str, method: str, schemas: dict[str, Any]) -> dict[str, Any]:
    doc = (view.__doc__ or "").strip()
    operation: dict[str, Any] = {
        "operationId": view.__name__,
        "summary": doc.splitlines()[0] if doc else view.__name__,
        "responses": _responses(str(getattr(view, STATUS_MARK, 200))),
    }
    parameters = [
        {"name": m["name"], "in": "path", "required": True,
         "schema": {"type": "integer" if m["kind"] == "int" else "string"}}
        for m in _PARAMETER.finditer(rule)
    ]  # fmt: skip
    asked = _model(view)
    takes_file = getattr(view, FILE_MARK, False)
    if asked is not None and (method == "GET" or takes_file):
        parameters += _query(asked, schemas)
    elif asked is not None:
        _describe(asked, schemas)
        reference = {"$ref": f"#/components/schemas/{asked.__name__}"}
        operation["requestBody"] = _body({"application/json": reference})
    if takes_file:
        form = {"type": "object", "required": ["file"], "properties": {"file": FILE}}
        operation["requestBody"] = _body(
            {"multipart/form-data": form, "text/csv": FILE, SPREADSHEET: FILE}
        )
    if parameters:
        operation["parameters"] = parameters
    return operation


def _model(view: Any) -> type[BaseModel] | None:
    """The model that a view reads with `body(…)` or `query(…)`, found by the names it uses."""
    names = view.__code__.co_names
    if "body" not in names and "query" not in names:
        return None
    for name in names:
        found = view.__globals__.get(name)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return None


def _responses(success: str) -> dict[str, Any]:
    told = {success: {"description": "Done", **_json({"type": "object"})}}
    error = _json({"$ref": "#/components/schemas/Error"})
    return told | {status: {"description": text, **error} for status, text in ERRORS.items()}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _body(schemas: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": s} for kind, s in schemas.items()}}


def _describe(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of `model`; it and what it refers to go into `schemas`."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
    return schema


def _query(model: type[BaseModel], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    inner: dict[str, Any] = {}
    schema = _describe(model, inner)
    del inner[model.__name__]
    schemas.update(inner)
    needed = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": described}
        for name, described in schema.get("properties", {}).items()
    ]
