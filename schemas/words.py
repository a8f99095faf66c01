"""How does compiled code read or write eight bytes of a buffer at any place? One unaligned little-endian access.

A slice viewed as another type says the same, but numba checks and counts such a view: 20 ns against 1 (measured).
Nothing is checked here: the caller must have seen that ``position + 8`` does not lie behind the buffer's end.
"""

import struct
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def word_at(buffer: Bytes, position: int) -> np.uint64:
    """Return ``buffer[position : position + 8]`` as an unsigned number."""
    return np.uint64(struct.unpack_from("<Q", buffer.data, position)[0])


def double_at(buffer: Bytes, position: int) -> float:
    """Return ``buffer[position : position + 8]`` as a double."""
    value: float = struct.unpack_from("<d", buffer.data, position)[0]
    return value


def put_double(buffer: Bytes, position: int, value: float) -> None:
    """Set ``buffer[position : position + 8]`` to a double."""
    struct.pack_into("<d", buffer.data, position, value)


def _load(kind: Any) -> Any:
    """Return the compiled load of a number of this type."""

    @intrinsic
    def load(typing_context: Any, buffer: Any, position: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = make_array(signature.args[0])(context, builder, arguments[0])  # type: ignore[no-untyped-call]
            place = builder.gep(array.data, [arguments[1]])
            pointer = context.get_value_type(kind).as_pointer()
            return builder.load(builder.bitcast(place, pointer), align=1)

        return kind(buffer, types.intp), generate

    return load


@intrinsic
def _store_double(typing_context: Any, buffer: Any, position: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, arguments[0])  # type: ignore[no-untyped-call]
        place = builder.gep(array.data, [arguments[1]])
        pointer = context.get_value_type(types.float64).as_pointer()
        builder.store(arguments[2], builder.bitcast(place, pointer), align=1)
        return context.get_dummy_value()

    return types.none(buffer, types.intp, types.float64), generate


_load_word = _load(types.uint64)
_load_double = _load(types.float64)


@overload(word_at, inline="always")
def _word_at_compiled(buffer: Any, position: Any) -> Any:
    def implementation(buffer: Any, position: Any) -> Any:
        return _load_word(buffer, position)

    return implementation


@overload(double_at, inline="always")
def _double_at_compiled(buffer: Any, position: Any) -> Any:
    def implementation(buffer: Any, position: Any) -> Any:
        return _load_double(buffer, position)

    return implementation


@overload(put_double, inline="always")
def _put_double_compiled(buffer: Any, position: Any, value: Any) -> Any:
    def implementation(buffer: Any, position: Any, value: Any) -> Any:
        return _store_double(buffer, position, value)  # type: ignore[call-arg]

    return implementation
