"""What is wrong with something that a user gave us to read.

InputError
└── every message says which file, which row or line, the value, and what to do
"""


class InputError(ValueError):
    """A file (or setting) from which no market data can be read."""
