"""A real browser without a window, driven over its own protocol: what a page shows, asks for and complains of.

One on the PATH is used, or Chrome of macOS; else Chromium comes from npm.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.clients.environments import node_environment

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_PACKAGE = ("@sparticuz/chromium", "148.0.0")
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
)
# It reads commands at 3 and answers at 4.
_LAUNCH = (
    "import os, sys; [os.dup2(int(a), b) for a, b in zip(sys.argv[1:3], (3, 4))]; os.execv(sys.argv[3], sys.argv[3:])"
)
# What asks for a thing or goes wrong, of all that a page tells.
_ASKED, _WRONG = "Network.requestWillBeSent", ("Runtime.exceptionThrown", "Log.entryAdded")


def installed_browser() -> str | None:
    """The program of a browser that is here already."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or (_MAC if Path(_MAC).is_file() else None)


@cache
def _program() -> str:
    return installed_browser() or _from_npm()


def _from_npm() -> str:
    environment = node_environment(*_PACKAGE)
    asked = 'import("@sparticuz/chromium").then(async (m) => console.log(await m.default.executablePath()))'
    done = subprocess.run(
        [environment.bin / "node", "-e", asked],
        cwd=environment.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.strip()


class Browser:
    """One page of a browser. requests and complaints: of the page opened last."""

    def __init__(self, reading: Any, writing: Any) -> None:
        self._reading, self._writing, self._number, self._session = reading, writing, 0, ""
        self._events: list[dict[str, Any]] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._send(f"{domain}.enable")

    def open(self, path: Path, width: int, *, dark: bool = False, height: int = 900, scale: float = 1) -> None:
        """Open a file in a window of `width` pixels, as one who likes it light or dark sees it."""
        self._events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        self._send("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        self._send("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._read()

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives in the page."""
        found = self._send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def picture(self, path: Path, height: int | None = None) -> None:
        """A PNG of the page from its top: whole, or so many pixels of it."""
        size = self._send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        shot = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    @property
    def requests(self) -> list[str]:
        return [event["params"]["request"]["url"] for event in self._events if event["method"] == _ASKED]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        return [event["params"] for event in self._events if event["method"] in _WRONG]

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._writing.write(json.dumps(message).encode() + b"\0")
        self._writing.flush()
        while True:
            told = self._read()
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                return dict(told["result"])

    def _read(self) -> dict[str, Any]:
        parts = bytearray()
        while (byte := self._reading.read(1)) != b"\0":
            assert byte, "the browser has ended"
            parts += byte
        told: dict[str, Any] = json.loads(parts)
        if "method" in told:
            self._events.append(told)
        return told


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own."""
    (to_browser, ours), (answers, from_browser) = _pipe(), _pipe()
    launch = [sys.executable, "-c", _LAUNCH, str(to_browser), str(from_browser)]
    process = subprocess.Popen(
        [*launch, _program(), *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(to_browser, from_browser),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    with os.fdopen(answers, "rb") as reading, os.fdopen(ours, "wb") as writing:
        try:
            yield Browser(reading, writing)
        finally:
            process.kill()
            process.wait(30)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends bear numbers above those at which the browser finds them."""
    ends = os.pipe()
    reading, writing = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return reading, writing
