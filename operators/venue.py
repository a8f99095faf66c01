"""What is a venue to the account leg? A port: requests go in, reports come out, at once or later.

``SimulatedVenue`` answers by returned reports and needs marks. A real venue is an edge of its own: its
requests leave by the ``execution_requests`` topic and its reports enter by ``execution_reports``; in the leg
``RemoteVenue`` stands for it, which never answers at once. So the leg is the same code live, on paper and in
a backtest.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from schemas.market import Mark
from schemas.orders import CancelOrder, ExecutionReport, SubmitOrder


class Venue(Protocol):
    """Parameters of a venue; its state is made by ``init`` and passed to every call."""

    @property
    def name(self) -> str:
        """Name that stands in orders and reports."""
        ...

    def init(self) -> Any:
        """State before any order."""
        ...

    def submit(self, state: Any, order: SubmitOrder) -> list[ExecutionReport]:
        """Take an order; an order whose client id works already is ignored."""
        ...

    def cancel(self, state: Any, request: CancelOrder) -> list[ExecutionReport]:
        """Take a request to cancel; unknown orders are ignored."""
        ...

    def awaits_mark(self, state: Any, symbol: str) -> bool:
        """Whether the symbol's next mark can bring reports; may become true by ``submit`` only."""
        ...

    def on_mark(self, state: Any, mark: Mark, before: Callable[[], Mark]) -> list[ExecutionReport]:
        """Let a symbol's next prices work on its orders; called for marks that are awaited.

        ``before()`` is the symbol's mark before it, or itself if it is the first.
        """
        ...


class RemoteVenue(msgspec.Struct, frozen=True):
    """A venue behind the log: everything that it says comes later, as events."""

    name: str

    def init(self) -> None:
        """No state: what the venue said is in the order table."""

    def submit(self, state: Any, order: SubmitOrder) -> list[ExecutionReport]:
        """Nothing at once."""
        return []

    def cancel(self, state: Any, request: CancelOrder) -> list[ExecutionReport]:
        """Nothing at once."""
        return []

    def awaits_mark(self, state: Any, symbol: str) -> bool:
        """No: a real venue needs no marks from us."""
        return False

    def on_mark(self, state: Any, mark: Mark, before: Callable[[], Mark]) -> list[ExecutionReport]:
        """Nothing."""
        return []
