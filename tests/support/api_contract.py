"""What a server's own description says of its answers, held against the answers."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from jsonschema import Draft202012Validator


class Contract:
    """A server's OpenAPI document. `check` fails for an answer that it does not describe."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The description of a request's method and path."""
        paths = self.document["paths"]
        if path not in paths:
            path = next((known for known in paths if "{" in known and path.startswith(known.partition("{")[0])), path)
        return paths.get(path, {}).get(method.lower())

    def validate(self, schema: dict[str, Any], value: Any) -> None:
        """Fails when a value is not of a schema of the document."""
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = Draft202012Validator(whole)
        errors = [f"{error.json_path}: {error.message}" for error in self._validators[key].iter_errors(value)]
        assert not errors, errors[:5]

    def check(self, method: str, path: str, status: int, kind: str, text: str) -> None:
        """kind: the answer's content type. Of a stream each event is checked, and that it ends with [DONE]."""
        operation = self.operation(method, path)
        if operation is None:
            assert status in (404, 405), f"{method} {path} is not described"
            return
        told = operation["responses"].get(str(status))
        assert told is not None, f"{method} {path} answers {status}, which is not described: {text[:300]}"
        kind = kind.partition(";")[0]
        assert kind in told["content"], f"{method} {path} answers {status} as {kind}, which is not described"
        if kind == "application/json":
            self.validate(told["content"][kind]["schema"], json.loads(text))
        elif kind == "text/event-stream":
            self._check_events(told["content"][kind]["schema"], text)

    def hold(self, response: httpx2.Response) -> None:
        """For a client's hook: checks an answer of JSON; streams are left to whoever reads them."""
        kind = response.headers.get("content-type", "")
        if kind.startswith("application/json") and response.request.method != "HEAD":
            response.read()
            self.check(response.request.method, response.request.url.path, response.status_code, kind, response.text)

    def _check_events(self, schema: dict[str, Any], text: str) -> None:
        events = [event for event in text.split("\n\n") if event and not event.startswith(":")]
        assert events.pop() == "data: [DONE]"
        data_of = {
            one["properties"]["event"]["const"]: one["properties"]["data"]["contentSchema"]
            for one in schema["anyOf"]
            if "contentSchema" in one["properties"]["data"]
        }
        for event in events:
            name, _, data = event.rpartition("data: ")
            self.validate(data_of[name.strip().removeprefix("event: ") or "message"], json.loads(data))
