"""Why was this order sent? From an order back to decision, signal, bars and ticks, and forward to fills and profit."""

from flows.explain.chain import Explanation
from flows.explain.explain import Asked, explain
from flows.explain.find import NotInLog

__all__ = ["Asked", "Explanation", "NotInLog", "explain"]
