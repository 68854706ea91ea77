"""The OpenAPI document, built from the routes, their docstrings and their pydantic models."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask import Flask, Response, current_app, jsonify
from pydantic import BaseModel

from app.web.api import bp
from app.web.policy import public

_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@bp.get("/openapi.json")
@public("describes the API, holds no data")
def openapi() -> Response:
    """This document."""
    return jsonify(_document(current_app._get_current_object()))  # type: ignore[attr-defined]


@cache
def _document(app: Flask) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("api."):
            continue
        view = app.view_functions[rule.endpoint]
        path = _PARAMETER.sub(r"{\g<name>}", str(rule.rule))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = _operation(view, str(rule.rule), method, schemas)
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
        "responses": {
            "200": {"description": "Done"},
            "400": {"description": "Something in the request is wrong; the message names it"},
            "401": {"description": "No valid token"},
            "403": {"description": "The token's role may not do this"},
            "404": {"description": "Not found"},
            "409": {"description": "Refused; the message says why"},
        },
    }
    parameters = [
        {"name": m["name"], "in": "path", "required": True,
         "schema": {"type": "integer" if m["kind"] == "int" else "string"}}
        for m in _PARAMETER.finditer(rule)
    ]  # fmt: skip
    asked = _model(view)
    if asked is not None and method == "GET":
        parameters += _query(asked)
    elif asked is not None:
        schemas[asked.__name__] = asked.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        content = {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{asked.__name__}"}}
        }
        operation["requestBody"] = {"required": True, "content": content}
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


def _query(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    needed = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": inner}
        for name, inner in schema.get("properties", {}).items()
    ]
