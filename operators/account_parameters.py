"""What is an account leg told before it starts?"""

import msgspec

from operators.instruments import DEFAULT_TABLE, NANOS, InstrumentTable
from operators.rules.rule import Rule, WatchingRule
from operators.sizing.fixed_fractional import FixedFractional
from operators.sizing.sizer import Sizer
from operators.venue import Venue
from schemas.orders import OrderType, TimeInForce

DAY_NS = 86_400 * NANOS


class OrderStyle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How entries are priced; exits are always market orders, good till cancelled.

    A limit entry stands ``limit_offset_ticks`` through the last mark: positive is more eager, negative waits.
    """

    order_type: OrderType = "MARKET"
    time_in_force: TimeInForce = "GTC"
    limit_offset_ticks: int = 0


class AccountParameters(msgspec.Struct, frozen=True, kw_only=True):
    """One account's parameters.

    ``par_currencies`` are counted one to one with the account's own; instruments in others are denied.
    ``resize_tolerance``: a held position of the wanted sign is left alone if the change is at most this share
    of the wanted size. ``day_offset_ns`` moves the start of the trading day from UTC midnight. ``watchers``
    is worked out: the rules that look at every mark. Raises ``ValueError`` on values out of range.
    """

    account: str
    venue: Venue
    instruments: InstrumentTable = DEFAULT_TABLE
    sizer: Sizer = FixedFractional()
    rules: tuple[Rule, ...] = ()
    style: OrderStyle = OrderStyle()
    initial_cash_nanos: int = 1_000_000 * NANOS
    par_currencies: tuple[str, ...] = ("USD", "USDT", "USDC")
    resize_tolerance: float = 0.1
    report_interval_ns: int = 60 * NANOS
    day_offset_ns: int = 0
    watchers: tuple[WatchingRule, ...] = ()

    def __post_init__(self) -> None:
        if self.report_interval_ns <= 0:
            raise ValueError(f"report_interval_ns is {self.report_interval_ns}; it must be positive")
        if not 0.0 <= self.resize_tolerance < 1.0:
            raise ValueError(f"resize_tolerance is {self.resize_tolerance}; it must be in [0, 1)")
        watchers = tuple(rule for rule in self.rules if isinstance(rule, WatchingRule))
        msgspec.structs.force_setattr(self, "watchers", watchers)
