"""Reading what a system asks: bodies and queries, checked by pydantic."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import BadRequest

Model = TypeVar("Model", bound=BaseModel)


class Asked(BaseModel):
    """Base of every request body and query: unknown names are an error, not a silent loss."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


def body(model: type[Model]) -> Model:
    """The JSON body as `model`. Raises 400 naming each wrong field."""
    data = request.get_json(silent=True)
    if not isinstance(data, dict):
        raise BadRequest("The body must be a JSON object.")
    return _checked(model, data)


def query(model: type[Model]) -> Model:
    """The query as `model`. Raises 400 naming each wrong field."""
    return _checked(model, request.args.to_dict())


def _checked(model: type[Model], data: dict[str, Any]) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        told = "; ".join(
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
            for error in problem.errors()
        )
        raise BadRequest(told) from None
