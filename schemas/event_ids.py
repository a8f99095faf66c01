"""What is the identity of an event? The same fact has the same id in every run; consumers apply an id once."""

from schemas.codec import Event
from schemas.orders import CancelOrder, SubmitOrder


def event_id(event: Event) -> str:
    """Return the deterministic id of an event; a request is identified by what it asks."""
    if isinstance(event, SubmitOrder):
        return f"submit:{event.client_order_id}"
    if isinstance(event, CancelOrder):
        return f"cancel:{event.client_order_id}:{event.ts_event_ns}"
    return event.id
