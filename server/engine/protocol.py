"""What the server and the engine's process say to each other: one JSON object a line, over a socket pair.

The server sends Load, Generate, Cancel and Stop. The engine says Ready once, answers Load with Loaded
or LoadFailed, and each Generate with Started, then Text and Ended for its answers, then Done; or with
Failed, at any point. Cancel is answered with Cancelled once the request's rows have left; nothing more
comes of it then. Memory comes unasked.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tools.models.sampling import Sampling
from tools.models.serving import InstructionForm
from tools.models.tool_calls.functions import ToolUse

VERSION = 1
# The file descriptor of the engine's end of the pair, handed over in the environment.
SOCKET_FD = "AFINA_ENGINE_FD"
# A line may hold a request's whole body.
LINE_LIMIT = 64 * 1024**2


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# To the engine -----------------------------------------------------------------------------------


class AdapterRef(Message):
    """An adapter's folder. stamp: changes when the folder's content does, which checkpoints' may."""

    name: str
    version: str
    folder: str
    stamp: int


class Load(Message):
    """Hold this base, in place of another one. Sent while nothing is being generated."""

    type: Literal["load"] = "load"
    base: str
    folder: str
    max_rows: int = Field(description="Answers generated together")
    room: int = Field(description="Bytes that answers and adapters may take together")
    most: int = Field(description="Bytes that one request alone may take with its adapter")
    prefixes: int = Field(0, description="Bytes to keep of what was read, for prompts that begin the same")
    max_adapters: int
    adapters: list[AdapterRef] = Field([], description="Adapters to have in memory from the start, where they load")


class Conversation(Message):
    """Calls in the messages are written as OpenAI writes them, their arguments as JSON text of an object."""

    type: Literal["conversation"] = "conversation"
    messages: list[dict[str, Any]]
    tools: ToolUse | None = None
    json_schema: dict[str, Any] | None = Field(None, description="JSON Schema that what is said follows")
    thinking: bool | None = Field(None, description="Whether to think first, where the template lets one choose")
    effort: str | None = Field(None, description="How much to think, likewise; `none` not at all")
    goes_on: bool = Field(
        False, description="The last message, the assistant's, is begun, and the answer goes on with it"
    )
    form: InstructionForm | None = Field(None, description="In place of the base's chat template")


class PlainText(Message):
    type: Literal["text"] = "text"
    text: str


class TokenIds(Message):
    type: Literal["ids"] = "ids"
    ids: list[int]


Prompt = Annotated[Conversation | PlainText | TokenIds, Field(discriminator="type")]


class Generate(Message):
    """Answer each prompt `n` times; answer `i` of prompt `p` has the index `p * n + i`."""

    type: Literal["generate"] = "generate"
    id: int
    adapter: AdapterRef | None = None
    prompts: list[Prompt]
    n: int = 1
    max_tokens: int
    sampling: Sampling
    stop: list[str] = []
    top_logprobs: int | None = None
    echo: bool = Field(False, description="Begin each answer with its prompt, scored as the answer is")
    request_id: str = Field("", description="The HTTP request's, for the engine's log")


class Cancel(Message):
    type: Literal["cancel"] = "cancel"
    id: int


class Stop(Message):
    type: Literal["stop"] = "stop"


# From the engine ---------------------------------------------------------------------------------


class Ready(Message):
    type: Literal["ready"] = "ready"
    version: int
    pid: int
    device: str


class Loaded(Message):
    type: Literal["loaded"] = "loaded"
    base: str
    seconds: float


class LoadFailed(Message):
    type: Literal["load_failed"] = "load_failed"
    base: str
    error: dict[str, Any]


class Started(Message):
    """The request has joined the batch."""

    type: Literal["started"] = "started"
    id: int


class Logprob(Message):
    """logprob: None for the first token of a prompt. start: characters of the answer before the token's own."""

    token: str
    bytes: list[int]
    logprob: float | None
    top: list[Logprob] = []
    start: int = 0


class Text(Message):
    type: Literal["text"] = "text"
    id: int
    index: int
    text: str
    logprobs: list[Logprob] = []


class Reasoning(Message):
    """What the model thinks before it answers."""

    type: Literal["reasoning"] = "reasoning"
    id: int
    index: int
    text: str


class ToolCall(Message):
    """A piece of a call of a function; the first of a call has its id and the function's name."""

    type: Literal["tool_call"] = "tool_call"
    id: int
    index: int
    call: int = Field(description="Its place among the answer's calls")
    call_id: str | None = None
    name: str | None = None
    arguments: str = Field(description="The next piece of the arguments' JSON text")


class Ended(Message):
    """One answer is complete."""

    type: Literal["ended"] = "ended"
    id: int
    index: int
    reason: Literal["stop", "length", "tool_calls"]


class Done(Message):
    """All answers are. prompt_tokens counts each prompt once; cached_tokens those of them not read anew."""

    type: Literal["done"] = "done"
    id: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = Field(0, description="Of the completion's, those that were thought")


class Failed(Message):
    type: Literal["failed"] = "failed"
    id: int
    error: dict[str, Any]


class Cancelled(Message):
    """Its rows have left the batch."""

    type: Literal["cancelled"] = "cancelled"
    id: int


class Memory(Message):
    """Bytes on the device, and the rows and adapters that are there."""

    type: Literal["memory"] = "memory"
    active: int
    cache: int
    peak: int
    rows: int
    adapters: list[str]
    adapter_loads: int = Field(0, description="Since the base was loaded, as are the evictions")
    adapter_evictions: int = 0
    prefix_hits: int = Field(0, description="Prompts that began like one that was kept, since the base was loaded")
    prefix_misses: int = 0
    prefix_hit_tokens: int = Field(0, description="Tokens that were not read anew")
    prefix_bytes: int = Field(0, description="Kept now")
    prefix_evictions: int = 0


ToEngine = Annotated[Load | Generate | Cancel | Stop, Field(discriminator="type")]
FromEngine = Annotated[
    Ready | Loaded | LoadFailed | Started | Text | Reasoning | ToolCall | Ended | Done | Failed | Cancelled | Memory,
    Field(discriminator="type"),
]

_to_engine: TypeAdapter[ToEngine] = TypeAdapter(ToEngine)
_from_engine: TypeAdapter[FromEngine] = TypeAdapter(FromEngine)


def encode(message: Message) -> bytes:
    return message.model_dump_json().encode() + b"\n"


def decode_to_engine(line: bytes) -> ToEngine:
    return _to_engine.validate_json(line)


def decode_from_engine(line: bytes) -> FromEngine:
    return _from_engine.validate_json(line)
