"""How is the symbol leg folded where no dataflow does it? One state a symbol, made when it is first heard of."""

from collections.abc import Sequence

from flows.config import Settings
from flows.config.parameters import instrument_table, symbol_parameters
from flows.sessions import sessions_of
from operators.symbol_leg import SymbolLeg, SymbolOutput, SymbolParameters, SymbolState


def symbol_leg(settings: Settings, parameters: SymbolParameters | None = None) -> SymbolLeg:
    """Return the configured symbol leg, or one with other parameters over the configured instruments."""
    instruments = instrument_table(settings)
    return SymbolLeg(parameters or symbol_parameters(settings), instruments, sessions_of(instruments))


class SymbolStates:
    """The states of all symbols of one leg; keys that are no text share a symbol, as they do in a live run."""

    def __init__(self, leg: SymbolLeg) -> None:
        self._leg = leg
        self._states: dict[str, SymbolState] = {}

    def step(
        self, symbol: str, partition: int, offsets: Sequence[int], values: Sequence[bytes]
    ) -> SymbolOutput:
        """Fold messages of a symbol, all of one partition, and return what follows.

        Raises:
            StrategyError: a strategy raised.
        """
        state = self._states.get(symbol)
        if state is None:
            state = self._states[symbol] = self._leg.init(symbol)
        return self._leg.step(state, partition, offsets, values)
