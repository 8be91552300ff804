"""Texts that the base and its adapters write, all in one batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from tools.compute.generation import Delta, Failed, Finished, GenerationRequest, Generator
from tools.errors import MachineError

K = TypeVar("K", bound=Hashable)


def write(
    generator: Generator, requests: Mapping[K, GenerationRequest], told: Callable[[int, int], None]
) -> dict[K, str]:
    """The answer to each request, stripped. told: called with the answers done and their number."""
    keys = {generator.add(request): key for key, request in requests.items()}
    texts: dict[K, str] = dict.fromkeys(requests, "")
    done = 0
    while len(generator):
        for event in generator.step():
            if isinstance(event, Delta):
                texts[keys[event.uid]] += event.text
            elif isinstance(event, Failed):
                raise MachineError("The model could not answer.") from event.error
            elif isinstance(event, Finished):
                done += 1
                told(done, len(keys))
    return {key: text.strip() for key, text in texts.items()}
