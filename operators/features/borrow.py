"""How a compiled call lends its arrays to the kernels without counting references: worth a factor of 2.5 here.

numba counts references to an array's memory with atomic instructions, and cannot prove the pairs away in a function
with a branch before a return or with a call inside one: an RSI step took 54 ns, of which 9 were arithmetic. A
borrowed array is the same view without an owner, so that the counting falls away when the kernels are inlined. It
must not outlive the call that borrowed it: never store or return one.
"""

from typing import Any, TypeVar

from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[Any])


def borrow(array: Array) -> Array:
    """Return the same view of `array`, in compiled code without an owner."""
    return array


@intrinsic
def _without_owner(typing_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = make_array(signature.args[0])(context, builder, arguments[0])  # type: ignore[no-untyped-call]
        view.meminfo = cgutils.get_null_value(view.meminfo.type)  # type: ignore[no-untyped-call]
        return view._getvalue()

    return array(array), generate


@overload(borrow, inline="always")
def _borrow_compiled(array: Any) -> Any:
    def implementation(array: Any) -> Any:
        return _without_owner(array)  # type: ignore[call-arg]

    return implementation
