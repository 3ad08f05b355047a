"""Reads the JSON body of an admin request."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

B = TypeVar("B", bound=BaseModel)
JSON_TYPE = "application/json"


async def read_body(request: Request, schema: type[B], *, default: B | None = None) -> B:
    """Return the body of a request. An invalid body results in HTTP 400 with the problems.

    Another content type than JSON results in HTTP 415. Pages of other sites cannot send JSON without asking
    the sandbox first (CORS), and it never agrees.

    `default` replaces an empty body; None: a body is required.
    """
    content = await request.body()
    if not content and default is not None:
        return default
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON_TYPE:
        raise HTTPException(415, f"the body must be JSON, with Content-Type: {JSON_TYPE}")
    try:
        return schema.model_validate_json(content)
    except ValidationError as error:
        problems = (
            ".".join(map(str, problem["loc"])) + ": " + problem["msg"] if problem["loc"] else problem["msg"]
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise HTTPException(400, "; ".join(problems)) from error
