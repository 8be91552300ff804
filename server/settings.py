"""Settings: flags over `AFINA_*` over `<workspace>/afina.toml` over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from tools.errors import InvalidArgument, NotFound, nearest, telling_os_errors
from tools.prepare_dataset.roots import named_in

FILE_NAME = "afina.toml"


class Settings(BaseModel):
    """What a person can set. Each field is also `AFINA_<FIELD>` and a key of `afina.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workspace: Path = Field(Path("~/afina"), description="Folder of all that is made")
    host: str = Field("127.0.0.1", description="Address to listen on; beyond loopback only with a key")
    port: int = Field(8321, ge=0, le=65535, description="Port to listen on; 0 takes any free one")
    model: str | None = Field(None, description="Base or adapter loaded at start and named when a request names none")
    pin: bool = Field(False, description="Serve `model` and adapters of its base alone")
    default_model: str = Field("smollm2-135m", description="Base for datasets and runs that name none")
    api_key: str | None = Field(None, description="Turns on keys; several are separated by commas")
    allowed_hosts: str = Field("", description="Host names that requests may bear besides the loopback ones")
    allowed_origins: str = Field("", description="Web origins that may call, separated by commas; none by default")
    allowed_roots: str = Field(
        "", description="Folders that may be read besides the workspace and your home, separated as in PATH; or a list"
    )
    max_body_mb: float = Field(16, gt=0, le=1024, description="Megabytes of the largest request")
    max_connections: int = Field(512, ge=1, le=100_000, description="Connections open together")
    max_client_requests: int = Field(256, ge=1, le=10_000, description="Requests of one client at once")
    slow_client_s: float = Field(
        20,
        gt=0,
        description="Seconds for a request's headers, and for its body beside 4 KB/s; a reader has three times",
    )
    keep_alive_s: float = Field(30, gt=0, description="Seconds that an idle connection is kept")
    max_queue: int = Field(64, ge=1, le=10_000, description="Requests that may wait for the model")
    max_batch: int = Field(16, ge=1, le=64, description="Requests generated together")
    request_timeout_s: float = Field(600, gt=0, description="Seconds that the longest answer may take")
    max_tokens: int = Field(2048, ge=1, le=1_000_000, description="Tokens of a chat answer that names no limit")
    max_adapters: int = Field(16, ge=1, le=256, description="Adapters kept in memory beside the base")
    engine_hang_s: float = Field(
        120, gt=0, description="Start an engine anew that is silent for so long beyond its longest expected step"
    )
    idle_unload_s: float = Field(0, ge=0, description="Give the model's memory back after so long idle; 0 never")
    heartbeat_s: float = Field(10, gt=0, description="A stream in which nothing comes for so long tells that it lives")
    exit_idle_s: float = Field(0, ge=0, description="Stop serving after so long without a request; 0 never")
    log_format: Literal["text", "json"] = Field("text", description="How a line of the log is written")
    log_to: Literal["both", "file", "stderr"] = Field(
        "both", description="stderr, <workspace>/logs/server.log, or both"
    )
    log_prompts: bool = Field(False, description="Write prompts and answers into the log too")

    @field_validator("allowed_roots", mode="before")
    @classmethod
    def _in_one_text(cls, value: Any) -> Any:
        return os.pathsep.join(map(str, value)) if isinstance(value, list | tuple) else value

    @field_validator("allowed_roots")
    @classmethod
    def _in_full(cls, value: str) -> str:
        if not all(root.is_absolute() for root in named_in(value)):
            raise PydanticCustomError("in_full", "each folder is written in full, from `/` or `~`")
        return value

    @property
    def roots(self) -> tuple[Path, ...]:
        return named_in(self.allowed_roots)

    @property
    def api_keys(self) -> tuple[str, ...]:
        return tuple(key.strip() for key in (self.api_key or "").split(",") if key.strip())


def load_settings(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force. Flags that are None count as not given.

    Raises InvalidArgument naming the flag, variable or key that is wrong.
    """
    environment = os.environ if environment is None else environment
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    variables = {
        name: environment[f"AFINA_{name.upper()}"]
        for name in Settings.model_fields
        if environment.get(f"AFINA_{name.upper()}")
    }
    workspace = Path(given.get("workspace") or variables.get("workspace") or "~/afina").expanduser()
    from_file = _read_file(workspace / FILE_NAME)
    values: dict[str, Any] = {**from_file, **variables, **given, "workspace": workspace.resolve()}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        place = f"--{name.replace('_', '-')}" if name in given else f"AFINA_{name.upper()}"
        if name in from_file and name not in given and name not in variables:
            place = f"`{name}` in {workspace / FILE_NAME}"
        raise InvalidArgument(f"{place}: {first['msg']}.", field=name, fix="Correct it and start again.") from error


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with telling_os_errors(path, "read the settings"):
            values = tomllib.loads(path.read_text(encoding="utf-8"))
    except NotFound:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{path} is not TOML: {error}.", field=FILE_NAME, fix="Mend or remove it.") from error
    for name in values:
        if name not in Settings.model_fields or name == "workspace":
            near = nearest(name, Settings.model_fields)
            raise InvalidArgument(
                f"{path} has the key `{name}`, which is no setting.",
                field=name,
                fix=f"Did you mean `{near[0]}`?" if near else f"The settings are: {', '.join(Settings.model_fields)}.",
            )
    return values


def sample_folder() -> Path:
    """The sample material: inside an installed wheel, or in `clients/` of a checkout."""
    here = Path(__file__).parent
    for place in (here / "sample", here.parent / "clients" / "sample"):
        if place.is_dir():
            return place
    raise NotFound("folder", "clients/sample", fix="Install Afina again: its sample material is missing.")
