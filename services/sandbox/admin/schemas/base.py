"""The base class of all bodies."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A body without unknown members."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
