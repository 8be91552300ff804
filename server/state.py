"""What the parts of one running server share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from server import logs
from server.engine.handle import Engine
from server.keys import Keyring
from server.metrics import Metrics
from server.records import RequestRecord
from server.settings import Settings
from tools.workspace.layout import Workspace


@dataclass
class AppState:
    """In `app.state.afina`. exit: asks the server to stop. problem: why the model asked for at start is not there."""

    settings: Settings
    ws: Workspace
    engine: Engine
    keys: Keyring
    metrics: Metrics = field(default_factory=Metrics)
    exit: Callable[[], None] = lambda: None
    started: float = field(default_factory=time.time)
    reconciled: bool = False
    problem: str | None = None
    active_requests: int = 0
    last_request: float = field(default_factory=time.monotonic)

    def over(self, record: RequestRecord) -> None:
        """A request is over: it is logged and counted."""
        logs.tell(record)
        self.metrics.count(record)
