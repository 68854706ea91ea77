"""Reading what a system asks: bodies and queries, checked by pydantic; and what it may expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from werkzeug.exceptions import BadRequest

from app.web.numbers import LARGEST, holds_nul

Model = TypeVar("Model", bound=BaseModel)
View = TypeVar("View", bound=Callable[..., Any])

RowId = Annotated[int, Field(ge=1, le=LARGEST)]
Position = Annotated[int, Field(ge=0, le=LARGEST)]
STATUS_MARK, FILE_MARK = "yishu_status", "yishu_file"


class Asked(BaseModel):
    """Base of every request body and query: unknown names are an error, not a silent loss."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, data: Any) -> Any:
        """No column can hold a NUL character."""
        if holds_nul(data):
            raise ValueError("a NUL character is not text")
        return data


def answers(status: int, *, file: bool = False) -> Callable[[View], View]:
    """For the OpenAPI document: the status of success; `file`: the body is a file."""

    def decorate(view: View) -> View:
        setattr(view, STATUS_MARK, status)
        setattr(view, FILE_MARK, file)
        return view

    return decorate


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
            ": ".join(filter(None, (".".join(map(str, error["loc"])), error["msg"])))
            for error in problem.errors()
        )
        raise BadRequest(told) from None
