"""Fixed-width SIMD vectors for Numba: one value of type Vector is one LLVM vector.

LLVM maps a vector of any width to the registers of the CPU at hand. Arithmetic is strict: no reassociation,
no contraction behind our back; a fused multiply-add happens exactly where ``fma`` is written. Results are
therefore the same bits on every CPU, for every width.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model


class Vector(types.Type):
    """Type of a vector of `width` elements."""

    def __init__(self, element, width):
        self.element, self.width = element, width
        super().__init__(name=f"Vector({element}, {width})")

    @property
    def llvm(self):
        element = ir.FloatType() if self.element == types.float32 else ir.DoubleType()
        return ir.VectorType(element, self.width)

    def integers(self):
        """LLVM type of the bits of such a vector."""
        return ir.VectorType(ir.IntType(self.element.bitwidth), self.width)


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, vector.llvm)


def _splat(builder, value, width):
    vector = ir.VectorType(value.type, width)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def _common_vector(arguments):
    """The vector type among operands, scalars being spread to it; None if there is no vector."""
    return next((argument for argument in arguments if isinstance(argument, Vector)), None)


def _as_vectors(context, builder, vector, operand_types, values):
    """Operands as vectors of one type; scalars are converted to the element type and spread."""
    spread = []
    for kind, value in zip(operand_types, values, strict=True):
        if not isinstance(kind, Vector):
            value = _splat(builder, context.cast(builder, value, kind, vector.element), vector.width)
        spread.append(value)
    return spread


def _define_operator(function, method):
    @infer_global(function)
    class Template(AbstractTemplate):
        def generic(self, arguments, keywords):
            vector = _common_vector(arguments)
            return signature(vector, *arguments) if vector is not None and len(arguments) == 2 else None

    def lower(context, builder, sig, values):
        operands = _as_vectors(context, builder, sig.return_type, sig.args, values)
        return getattr(builder, method)(*operands)

    for pair in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(function, *pair)(lower)


for _function, _method in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_operator(_function, _method)


# --- memory -------------------------------------------------------------------------------------------------


def _pointer(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def memory(width):
    """``load(array, index)``, ``broadcast(array, index)`` and ``zeros(array)`` for vectors of one width."""

    @intrinsic
    def load(typing, array, index):
        vector = Vector(array.dtype, width)

        def generate(context, builder, sig, values):
            pointer = _pointer(context, builder, sig.args[0], *values)
            pointer = builder.bitcast(pointer, ir.PointerType(vector.llvm))
            value = builder.load(pointer, typ=vector.llvm)
            value.align = vector.element.bitwidth // 8
            return value

        return vector(array, types.intp), generate

    @intrinsic
    def broadcast(typing, array, index):
        vector = Vector(array.dtype, width)

        def generate(context, builder, sig, values):
            return _splat(builder, builder.load(_pointer(context, builder, sig.args[0], *values)), width)

        return vector(array, types.intp), generate

    @intrinsic
    def zeros(typing, array):
        vector = Vector(array.dtype, width)
        return vector(array), lambda context, builder, sig, values: ir.Constant(vector.llvm, [0.0] * width)

    return load, broadcast, zeros


@intrinsic
def store(typing, array, index, value):
    """Write a vector to consecutive elements of an array."""

    def generate(context, builder, sig, values):
        pointer = _pointer(context, builder, sig.args[0], *values[:2])
        pointer = builder.bitcast(pointer, ir.PointerType(value.llvm))
        builder.store(values[2], pointer).align = value.element.bitwidth // 8
        return context.get_dummy_value()

    return types.void(array, types.intp, value), generate


# --- arithmetic ---------------------------------------------------------------------------------------------


def _call(builder, name, vector, values, suffix=True):
    full = f"llvm.{name}.v{vector.width}f{vector.element.bitwidth}" if suffix else name
    kind = ir.FunctionType(vector.llvm, [vector.llvm] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, full), values)


def _fused(negate_product):
    @intrinsic
    def fused(typing, a, b, c):
        vector = _common_vector((a, b, c))

        def generate(context, builder, sig, values):
            a, b, c = _as_vectors(context, builder, vector, sig.args, values)
            a = builder.fneg(a) if negate_product else a
            return _call(builder, "fma", vector, (a, b, c))

        return vector(a, b, c), generate

    return fused


fma = _fused(False)  # a*b + c, rounded once
fnma = _fused(True)  # c - a*b


def _unary(name):
    @intrinsic
    def function(typing, a):
        return a(a), lambda context, builder, sig, values: _call(builder, name, a, values)

    return function


sqrt = _unary("sqrt")
absolute = _unary("fabs")
truncate = _unary("trunc")


def _choose(comparison):
    @intrinsic
    def function(typing, a, b):
        vector = _common_vector((a, b))

        def generate(context, builder, sig, values):
            a, b = _as_vectors(context, builder, vector, sig.args, values)
            # the first operand is kept unless the second is strictly beyond it, so that a NaN in `a` stays
            return builder.select(builder.fcmp_ordered(comparison, b, a), b, a)

        return vector(a, b), generate

    return function


minimum = _choose("<")
maximum = _choose(">")


@intrinsic
def widen(typing, a):
    """Single to double precision."""
    vector = Vector(types.float64, a.width)
    return vector(a), lambda context, builder, sig, values: builder.fpext(values[0], vector.llvm)


@intrinsic
def narrow(typing, a):
    """Double to single precision."""
    vector = Vector(types.float32, a.width)
    return vector(a), lambda context, builder, sig, values: builder.fptrunc(values[0], vector.llvm)


# --- bits ---------------------------------------------------------------------------------------------------

_MANTISSA_BITS = {32: 23, 64: 52}
_EXPONENT_BIAS = {32: 127, 64: 1023}
_SQRT_HALF_BITS = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}


@intrinsic
def power_of_two(typing, shifted):
    """2**n, given n + ROUNDING_SHIFT: the integer n then stands in the lowest bits."""

    def generate(context, builder, sig, values):
        bits, integers = shifted.element.bitwidth, shifted.integers()
        n = builder.bitcast(values[0], integers)
        n = builder.shl(n, ir.Constant(integers, [_MANTISSA_BITS[bits]] * shifted.width))
        one = ir.Constant(integers, [_EXPONENT_BIAS[bits] << _MANTISSA_BITS[bits]] * shifted.width)
        return builder.bitcast(builder.add(n, one), shifted.llvm)

    return shifted(shifted), generate


@intrinsic
def exponent_and_mantissa(typing, a):
    """a = m * 2**e with m in [sqrt(1/2), sqrt(2)), for normal a > 0."""
    pair = types.UniTuple(a, 2)

    def generate(context, builder, sig, values):
        bits, integers = a.element.bitwidth, a.integers()
        shift = ir.Constant(integers, [_MANTISSA_BITS[bits]] * a.width)
        half = ir.Constant(integers, [_SQRT_HALF_BITS[bits]] * a.width)
        pattern = builder.bitcast(values[0], integers)
        exponent = builder.ashr(builder.sub(pattern, half), shift)
        mantissa = builder.bitcast(builder.sub(pattern, builder.shl(exponent, shift)), a.llvm)
        return context.make_tuple(builder, pair, [builder.sitofp(exponent, a.llvm), mantissa])

    return pair(a), generate


@intrinsic
def flip_if_odd(typing, a, shifted):
    """-a where the integer in the lowest bits of `shifted` is odd, else a."""

    def generate(context, builder, sig, values):
        bits, integers = a.element.bitwidth, a.integers()
        sign = builder.shl(builder.bitcast(values[1], integers), ir.Constant(integers, [bits - 1] * a.width))
        return builder.bitcast(builder.xor(builder.bitcast(values[0], integers), sign), a.llvm)

    return a(a, shifted), generate
