"""How one compiled call folds a bar into every registered feature.

numba inlines a call only where it names a compiled function outright: about 2 ns a feature here, against 35 ns
through a tuple of functions in a loop and 50 ns through closures. So there are SLOTS literal lines, one a slot, and
the slots behind the last registered feature hold a kernel that does nothing. A new feature needs no line here; a
registry longer than SLOTS is refused by `FeatureSet.of`.

numba's cache does not notice a change in a kernel's own file: see `operators.features.feature`.
"""

from numba import njit

from operators.features import FEATURES
from operators.features.borrow import borrow
from operators.features.feature import Vector
from operators.features.feature_set import SLOTS, Offsets
from operators.features.fold import Matrix


@njit(cache=True, error_model="numpy")
def _idle(state: Vector, params: Vector, bar: Vector, out: Vector) -> None:
    """Fill an unused slot."""


KERNELS = tuple(feature.kernel for feature in FEATURES.values()) + (_idle,) * (SLOTS - len(FEATURES))

# fmt: off
(
    _k0, _k1, _k2, _k3, _k4, _k5, _k6, _k7, _k8, _k9, _k10, _k11, _k12, _k13, _k14, _k15,
    _k16, _k17, _k18, _k19, _k20, _k21, _k22, _k23, _k24, _k25, _k26, _k27, _k28, _k29, _k30, _k31,
) = KERNELS


@njit(cache=True, error_model="numpy")
def step_features(
    state: Vector, params: Vector, bar: Vector, out: Vector, so: Offsets, po: Offsets, oo: Offsets
) -> None:
    """Fold one bar into every feature's slice of `state`, and write every output.

    state (state_size,), params, bar (BAR_WIDTH,), out (width,); so, po, oo: state_at, params_at, out_at of FEATURE_SET.
    """
    state, params, bar, out = borrow(state), borrow(params), borrow(bar), borrow(out)
    _k0(state[so[0] : so[1]], params[po[0] : po[1]], bar, out[oo[0] : oo[1]])
    _k1(state[so[1] : so[2]], params[po[1] : po[2]], bar, out[oo[1] : oo[2]])
    _k2(state[so[2] : so[3]], params[po[2] : po[3]], bar, out[oo[2] : oo[3]])
    _k3(state[so[3] : so[4]], params[po[3] : po[4]], bar, out[oo[3] : oo[4]])
    _k4(state[so[4] : so[5]], params[po[4] : po[5]], bar, out[oo[4] : oo[5]])
    _k5(state[so[5] : so[6]], params[po[5] : po[6]], bar, out[oo[5] : oo[6]])
    _k6(state[so[6] : so[7]], params[po[6] : po[7]], bar, out[oo[6] : oo[7]])
    _k7(state[so[7] : so[8]], params[po[7] : po[8]], bar, out[oo[7] : oo[8]])
    _k8(state[so[8] : so[9]], params[po[8] : po[9]], bar, out[oo[8] : oo[9]])
    _k9(state[so[9] : so[10]], params[po[9] : po[10]], bar, out[oo[9] : oo[10]])
    _k10(state[so[10] : so[11]], params[po[10] : po[11]], bar, out[oo[10] : oo[11]])
    _k11(state[so[11] : so[12]], params[po[11] : po[12]], bar, out[oo[11] : oo[12]])
    _k12(state[so[12] : so[13]], params[po[12] : po[13]], bar, out[oo[12] : oo[13]])
    _k13(state[so[13] : so[14]], params[po[13] : po[14]], bar, out[oo[13] : oo[14]])
    _k14(state[so[14] : so[15]], params[po[14] : po[15]], bar, out[oo[14] : oo[15]])
    _k15(state[so[15] : so[16]], params[po[15] : po[16]], bar, out[oo[15] : oo[16]])
    _k16(state[so[16] : so[17]], params[po[16] : po[17]], bar, out[oo[16] : oo[17]])
    _k17(state[so[17] : so[18]], params[po[17] : po[18]], bar, out[oo[17] : oo[18]])
    _k18(state[so[18] : so[19]], params[po[18] : po[19]], bar, out[oo[18] : oo[19]])
    _k19(state[so[19] : so[20]], params[po[19] : po[20]], bar, out[oo[19] : oo[20]])
    _k20(state[so[20] : so[21]], params[po[20] : po[21]], bar, out[oo[20] : oo[21]])
    _k21(state[so[21] : so[22]], params[po[21] : po[22]], bar, out[oo[21] : oo[22]])
    _k22(state[so[22] : so[23]], params[po[22] : po[23]], bar, out[oo[22] : oo[23]])
    _k23(state[so[23] : so[24]], params[po[23] : po[24]], bar, out[oo[23] : oo[24]])
    _k24(state[so[24] : so[25]], params[po[24] : po[25]], bar, out[oo[24] : oo[25]])
    _k25(state[so[25] : so[26]], params[po[25] : po[26]], bar, out[oo[25] : oo[26]])
    _k26(state[so[26] : so[27]], params[po[26] : po[27]], bar, out[oo[26] : oo[27]])
    _k27(state[so[27] : so[28]], params[po[27] : po[28]], bar, out[oo[27] : oo[28]])
    _k28(state[so[28] : so[29]], params[po[28] : po[29]], bar, out[oo[28] : oo[29]])
    _k29(state[so[29] : so[30]], params[po[29] : po[30]], bar, out[oo[29] : oo[30]])
    _k30(state[so[30] : so[31]], params[po[30] : po[31]], bar, out[oo[30] : oo[31]])
    _k31(state[so[31] : so[32]], params[po[31] : po[32]], bar, out[oo[31] : oo[32]])
# fmt: on


@njit(cache=True, error_model="numpy")
def fold_features(
    state: Vector, params: Vector, bars: Matrix, out: Matrix, so: Offsets, po: Offsets, oo: Offsets
) -> None:
    """`step_features` over bars (n, BAR_WIDTH) into out (n, width), oldest first."""
    for i in range(len(bars)):
        step_features(state, params, bars[i], out[i], so, po, oo)
