"""Which number stands where in a bar vector: a row of BAR_WIDTH float64, what every feature kernel reads.

Plain literal ints, so that numba freezes them into the compiled code and a reader can say `bar[CLOSE]`.

    OPEN HIGH LOW CLOSE   prices in the instrument's currency
    VOLUME                units traded; 0 in a bar without trades
    NOTIONAL              sum of price * size; where only OHLCV is known, (high + low + close) / 3 * volume
    BUY_VOLUME            units bought by the aggressor; likewise SELL_VOLUME; both 0 where the side is unknown
    TRADES                number of trades
    UPTICKS DOWNTICKS     trades whose tick-rule sign is +1, -1 (an unchanged price carries the last sign)
    SESSION               number of the trading session (whole, as float); VWAP and CVD start anew when it changes
"""

OPEN = 0
HIGH = 1
LOW = 2
CLOSE = 3
VOLUME = 4
NOTIONAL = 5
BUY_VOLUME = 6
SELL_VOLUME = 7
TRADES = 8
UPTICKS = 9
DOWNTICKS = 10
SESSION = 11
BAR_WIDTH = 12
