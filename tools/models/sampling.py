"""How the next token is chosen: the options, as requests, runs and evaluations state them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Sampling(BaseModel):
    """Defaults are greedy and unbiased."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(0.0, ge=0, le=2, description="0 takes the likeliest token")
    top_p: float = Field(1.0, gt=0, le=1, description="Smallest set of tokens with this much probability")
    top_k: int = Field(0, ge=0, description="Only the k likeliest tokens; 0 all")
    min_p: float = Field(0.0, ge=0, le=1, description="Only tokens with this share of the likeliest's probability")
    seed: int | None = Field(None, description="Same seed, same answer; None draws one")
    presence_penalty: float = Field(0.0, ge=-2, le=2, description="Taken from the logit of tokens already written")
    frequency_penalty: float = Field(0.0, ge=-2, le=2, description="Taken once for each time a token was written")
    repetition_penalty: float = Field(1.0, gt=0, le=2, description="Divides logits of tokens in prompt or answer")
    logit_bias: dict[int, float] = Field({}, description="Added to the logits of these token ids, -100 to 100")


GREEDY = Sampling()
