"""Which number stands where in a symbol's state? Two flat vectors, one of int64 and one of float64.

Each vector starts with what the symbol has once; then comes, for every timeframe, what a timeframe has: the bar being
built and, in the float vector, the state of its features and of its regime. Flat vectors make a snapshot one copy.
"""

from operators.bar_columns import BAR_WIDTH

# int64, once per symbol
SESSION = 0  # source session being read
STARTED = 1  # 1 once a session has been seen
COMPLETE_TO = 2  # nothing older than this will follow, ns
LISTENING_FROM = 3  # when the session began: what it announced, else its oldest row, ns
FINAL = 4  # 1 when the session has ended
LAST_TS = 5  # time of the last accepted trade or close of the last accepted vendor bar, ns
SIGNALS = 6  # signals ever emitted
GAP_TO = 7  # end of the gap that reaches furthest, ns
GAP_OFFSET = 8  # message that declared the last gap: rows inside it that come later fill it
FED_BY = 9  # what the session's bars are built from
SESSION_OFFSET = 10  # the session's first message
TRADING_SESSION = 11  # index of the trading session that the last bar began in
LAST_QUOTE_ID = 12
BAD_COUNT = 13  # consecutive prints at a suspicious level
MARK_START = 14  # interval of the mark being built, ns
MARK_END = 15  # 0 when none is being built
MARK_LAST_TS = 16
NEXT_SEQ = 17  # next source row expected: trades, quotes, bars
HAS_VOLUME = 20  # 1 once a vendor bar told a volume
RING_TOP = 21  # highest venue trade id seen
RING_HEAD = 22
RING = 23
RING_SIZE = 32  # venue trade ids remembered
INTS = RING + RING_SIZE

# int64, per timeframe
BAR_END = 0  # 0 when no bar is being built
BAR_START = 1
FIRST_SEQ = 2
LAST_SEQ = 3
BARS_SEEN = 4
BAR_FILLED = 5  # 1 when a row of the bar fills a gap
BAR_INTS = 6

# float64, once per symbol
LAST_PRICE = 0  # last accepted trade; NaN before the first
LAST_SIGN = 1  # tick-rule sign that an unchanged price carries
BAD_PRICE = 2  # level of the suspicious prints
BID = 3
ASK = 4
MARK_OPEN = 5
MARK_HIGH = 6
MARK_LOW = 7
MARK_CLOSE = 8
MARK_VOLUME = 9
MARK_VARIANCE = 10  # exponentially weighted variance of log returns between marks
MARK_PREVIOUS = 11  # close of the mark before; NaN before the first
FLOATS = 12

# float64, per timeframe: the bar, then feature state, then regime state
BAR = 0
FEATURE_STATE = BAR_WIDTH

# rows waiting for release: int64 and float64 columns; a vendor bar's SIDE is its interval; a gap's TS and DELAY are
# its start and end, its ID and SIDE the first and last missing venue id
TS, SEQ, KIND, ID, SIDE, DELAY, OFFSET, ORDINAL = range(8)
ROW_INTS = 8
ROW_FLOATS = 5  # trade: price, size; quote: bid, bid size, ask, ask size; bar: open, high, low, close, volume

# closed bars: int64 columns; the float columns are the bar, the features, then the regime's outputs
OUT_TS, OUT_TIMEFRAME, OUT_QUALITY, OUT_REVISION, OUT_CAUSE, OUT_FIRST_SEQ, OUT_LAST_SEQ, OUT_SEEN = range(8)
OUT_INTS = 8

# marks
MARK_INTS = 3  # ts_event, ts_last, ts_open
MARK_FLOATS = 8  # open, high, low, close, volume, bid, ask, volatility

# rejected rows: the waiting row's columns, then the reason
REASON = ROW_INTS
REJECT_INTS = ROW_INTS + 1

# times beyond this (2200-01-01, UTC ns) are faults of a unit or a clock: a promise of one would refuse all that follows
LATEST = 7_258_118_400_000_000_000

# why a row or message was refused
(
    MALFORMED,
    WRONG_SYMBOL,
    LATE,
    BAD_TIME,
    NOT_FINITE,
    NOT_POSITIVE,
    BELOW_LOT,
    DUPLICATE,
    BAD_PRINT,
    CROSSED,
) = range(10)
BAD_BAR, NO_TIMEFRAME, MISSING_ROWS, MISALIGNED, OVERLAPPING, MIXED, BAD_GAP, OTHER_VERSION = range(10, 18)
REASONS = (
    "malformed", "wrong_symbol", "late", "bad_time", "not_finite", "not_positive", "below_lot", "duplicate",
    "bad_print", "crossed_quote", "bad_bar", "no_timeframe", "missing_rows", "misaligned_bar", "overlapping_bar",
    "mixed_sources", "bad_gap", "newer_version",
)  # fmt: skip

# integer parameters, then the timeframes in ns
P_TIMEFRAMES, P_MARK_NS, P_BAD_RESET_NS, P_HELD_MAX, P_VOLATILITY, P_REGIME_STATE = range(6)
PARAM_INTS = 6
# float parameters
F_TICK, F_LOT, F_BAD_FRACTION, F_TICK_INVERSE, F_LOT_INVERSE = range(5)
PARAM_FLOATS = 5

# how many rows of each scratch array are in use, and how much room there is
HELD, BARS, MARKS, REJECTS, ROOM_ROWS, ROOM_CLOSED, ROOM_WIDTH = range(7)
COUNTS = 7

# values of FED_BY
BY_NOTHING, BY_TRADES, BY_BARS = range(3)

# values of the `quality` column
COMPLETE, PARTIAL, REPAIRED = range(3)
