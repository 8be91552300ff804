"""Types that fields of requests share, and how their JSON schemas tell what Python checks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_STOPS = 4
MAX_BIASES = 1024
MAX_BIAS = 100


def _whole(value: Any) -> Any:
    # In JSON 1.0 and 1e9 are whole numbers too.
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
Choices = Annotated[int, Field(ge=1, le=8), WHOLE]
Limit = Annotated[int, Field(ge=1, le=2**31), WHOLE]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1), WHOLE]
TokenId = Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE]


def _biases(value: dict[str, float]) -> dict[str, float]:
    for key, bias in value.items():
        if not (key.isascii() and key.isdigit() and len(key) < 10 and str(int(key)) == key):
            raise PydanticCustomError("token_id", "keys are token ids")
        if abs(bias) > MAX_BIAS:
            raise PydanticCustomError("bias_range", "values are from -100 to 100")
    return value


Biases = Annotated[
    dict[str, float],
    Field(max_length=MAX_BIASES),
    AfterValidator(_biases),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MAX_BIASES,
            "propertyNames": {"pattern": r"^(0|[1-9][0-9]{0,8})$"},
            "additionalProperties": {"type": "number", "minimum": -MAX_BIAS, "maximum": MAX_BIAS},
        }
    ),
]

Stop = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Stops = Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)]

# As OpenAI bounds them.
Labels = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]],
    Field(max_length=16),
]
