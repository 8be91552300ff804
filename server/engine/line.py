"""The line before the engine: fair among clients, bounded, and in favour of the base that is loaded, for a while."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

# So long may requests for the loaded base go before those of another that wait.
TURN_S = 10.0


class Waiter(Protocol):
    """A request in line. base: the fingerprint of what it needs; since: when it came, in monotonic seconds."""

    @property
    def client(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def since(self) -> float: ...


T = TypeVar("T", bound=Waiter)


class Full(Exception):
    """No place is left, or none for this client, who has `waiting` there. own: whether others still have places."""

    def __init__(self, waiting: int, own: bool) -> None:
        super().__init__(waiting, own)
        self.waiting = waiting
        self.own = own


class Line(Generic[T]):
    """At most `limit` requests, of which one client may have three quarters.

    Clients take turns, one request each. The requests of one client keep their order, but that those
    for the loaded base may pass others for as long as it has its turn.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._share = max(1, limit - limit // 4)
        # The first client is the next to be served.
        self._clients: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._clients.values()))

    def __iter__(self) -> Iterator[T]:
        return (one for own in self._clients.values() for one in own)

    def join(self, one: T) -> None:
        """Raises Full."""
        own = self._clients.get(one.client, ())
        if len(self) >= self._limit:
            raise Full(len(self), own=False)
        if len(own) >= self._share:
            raise Full(len(own), own=True)
        self._clients.setdefault(one.client, deque()).append(one)

    def put_back(self, one: T) -> None:
        """Give a request that had been taken its place before the others of its client."""
        self._clients.setdefault(one.client, deque()).appendleft(one)
        self._clients.move_to_end(one.client, last=False)

    def remove(self, one: T) -> bool:
        """Take a request out, its client's turn unchanged; False when it is not in line."""
        own = self._clients.get(one.client)
        if own is None or one not in own:
            return False
        own.remove(one)
        if not own:
            del self._clients[one.client]
        return True

    def take(self, one: T) -> None:
        """Take the one whose turn it is; its client goes behind the others."""
        self.remove(one)
        if one.client in self._clients:
            self._clients.move_to_end(one.client)

    def clear(self) -> list[T]:
        """Take all out."""
        found = list(self)
        self._clients.clear()
        return found

    def next(self, base: str | None, loaded_at: float, now: float) -> T | None:
        """Whose turn it is, while `base` has been loaded since `loaded_at`.

        One of another base means that the loaded one has had its turn, or has nothing to do.
        """
        own = next((one for one in self._heads(base)), None) if base else None
        other = min((one for one in self if one.base != base), key=lambda one: one.since, default=None)
        if own is None or other is None:
            return own or other
        return own if now < max(loaded_at, other.since) + TURN_S else other

    def _heads(self, base: str) -> Iterator[T]:
        """The first request of each client for `base`, in the order of their turns."""
        for own in self._clients.values():
            for one in own:
                if one.base == base:
                    yield one
                    break
