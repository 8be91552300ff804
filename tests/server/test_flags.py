"""Each setting is a flag of `afina serve`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from server.cli.parser import parse
from server.cli.settings import settings_of
from server.settings import Settings

# A value that differs from the default, for each setting that a flag sets.
VALUES: dict[str, object] = {
    "workspace": "/tmp/afina",
    "host": "::1",
    "port": 99,
    "model": "um",
    "pin": True,
    "default_model": "outra",
    "allowed_hosts": "afina.casa",
    "allowed_origins": "https://painel.casa",
    "allowed_roots": "/tmp",
    "log_format": "json",
    "log_to": "file",
    "log_prompts": True,
}


def value_of(name: str) -> object:
    """A number one above its default, where no other value is named."""
    return VALUES[name] if name in VALUES else Settings.model_fields[name].default + 1


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "api_key"])
def test_every_setting_is_a_flag(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AFINA_WORKSPACE", str(tmp_path))
    value = value_of(name)
    flag = f"--{name.replace('_', '-')}"
    arguments = parse(["serve", flag] if value is True else ["serve", flag, str(value)])
    found = getattr(settings_of(arguments), name)
    assert found == value or str(found) == value
    assert found != Settings.model_fields[name].default


def test_every_setting_says_what_it_is() -> None:
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_a_key_is_no_flag_and_a_wrong_value_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, told in ((["--api-key", "x"], "api-key"), (["--port", "many"], "--port"), (["--log-to", "x"], "x")):
        with pytest.raises(SystemExit) as ended:
            parse(["serve", *arguments])
        assert ended.value.code == 2
        assert told in capsys.readouterr().err


def test_the_help_of_serve_names_each_flag() -> None:
    told = subprocess.run(
        [sys.executable, "-P", "-m", "server.cli", "serve", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for name in Settings.model_fields:
        assert (f"--{name.replace('_', '-')}" in told) == (name != "api_key")
