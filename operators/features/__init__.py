"""Which features there are: the literal registry, in the order of the columns.

One more is one file and one line here; its definition in tests/laws/feature_oracles.py puts it under all the laws.
"""

from operators.features.adx import Adx
from operators.features.atr import Atr
from operators.features.bollinger import Bollinger
from operators.features.cvd import Cvd
from operators.features.ema import Ema
from operators.features.feature import Feature
from operators.features.feature_set import SLOTS, FeatureSet
from operators.features.garman_klass import GarmanKlass
from operators.features.log_return import LogReturn
from operators.features.macd import Macd
from operators.features.realised_volatility import RealisedVolatility
from operators.features.rsi import Rsi
from operators.features.sma import Sma
from operators.features.tick_imbalance import TickImbalance
from operators.features.volume_z import VolumeZ
from operators.features.vwap import SessionVwap

__all__ = ["FEATURES", "FEATURE_SET", "SLOTS", "Feature", "FeatureSet", "feature_columns"]

FEATURES: dict[str, Feature] = {
    "log_return": LogReturn(),
    "sma_20": Sma(window=20),
    "ema_20": Ema(window=20),
    "rsi_14": Rsi(window=14),
    "macd_12_26_9": Macd(fast=12, slow=26, signal=9),
    "bb_20_2": Bollinger(window=20, width=2.0),
    "atr_14": Atr(window=14),
    "adx_14": Adx(window=14),
    "session_vwap": SessionVwap(),
    "realised_volatility_20": RealisedVolatility(window=20),
    "garman_klass_20": GarmanKlass(window=20),
    "volume_z_20": VolumeZ(window=20),
    "cvd": Cvd(),
    "tick_imbalance": TickImbalance(),
}

FEATURE_SET = FeatureSet.of(FEATURES)


def feature_columns() -> tuple[str, ...]:
    """Names of the columns of a row of outputs, in order."""
    return FEATURE_SET.columns
