"""How much? Sizers by name; a new one is a file here and a line in ``SIZERS``."""

from operators.sizing.fixed_fractional import FixedFractional
from operators.sizing.sizer import Sizer

SIZERS: dict[str, type[Sizer]] = {
    "fixed_fractional": FixedFractional,
}
