"""Which limits guard the account? Rules by name, in the order in which decisions list their readings."""

from operators.rules.daily_drawdown import DailyDrawdown
from operators.rules.gross_exposure import GrossExposure
from operators.rules.order_rate import OrderRate
from operators.rules.position_limit import PositionLimit
from operators.rules.rule import Rule

RULES: dict[str, type[Rule]] = {
    "position_limit": PositionLimit,
    "gross_exposure": GrossExposure,
    "daily_drawdown": DailyDrawdown,
    "order_rate": OrderRate,
}
