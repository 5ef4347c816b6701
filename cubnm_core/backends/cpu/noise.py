"""The noise of `cubnm_core.noise`, compiled: the same operations in the same order, hence the same bits."""

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from cubnm_core import noise as reference

ROUNDS = reference.ROUNDS
MULTIPLIER_0, MULTIPLIER_1 = map(np.uint64, reference.MULTIPLIERS)
INCREMENT_0, INCREMENT_1 = map(np.uint32, reference.KEY_INCREMENTS)
SQRT_HALF_BITS = np.int32(reference.SQRT_HALF_BITS)
LOG_9, LOG_7, LOG_5, LOG_3, LOG_1 = reference.LOG_SERIES
SIN_11, SIN_9, SIN_7, SIN_5, SIN_3, SIN_1 = reference.SIN_SERIES
COS_12, COS_10, COS_8, COS_6, COS_4, COS_2, COS_0 = reference.COS_SERIES
LN2, TWO_TO_MINUS_24, HALF_PI_PER_COUNT = (
    reference.LN2,
    reference.TWO_TO_MINUS_24,
    reference.HALF_PI_PER_COUNT,
)
HALF, ONE, MINUS_TWO = np.float32(0.5), np.float32(1.0), np.float32(-2.0)
MANTISSA_BITS, EIGHT = np.int32(23), np.uint32(8)
WORD = np.uint64(32)

inline = njit(forceinline=True, error_model="numpy")


@intrinsic
def as_bits(typing, x):
    return types.int32(types.float32), lambda context, builder, sig, values: builder.bitcast(
        values[0], ir.IntType(32)
    )


@intrinsic
def as_float(typing, x):
    return types.float32(types.int32), lambda context, builder, sig, values: builder.bitcast(
        values[0], ir.FloatType()
    )


@inline
def log(x):
    bits = as_bits(x)
    exponent = np.int32(bits - SQRT_HALF_BITS) >> MANTISSA_BITS
    mantissa = as_float(np.int32(bits - (exponent << MANTISSA_BITS)))
    z = (mantissa - ONE) / (mantissa + ONE)
    square = z * z
    series = (((LOG_9 * square + LOG_7) * square + LOG_5) * square + LOG_3) * square + LOG_1
    return np.float32(exponent) * LN2 + z * series


@inline
def box_muller(first, second):
    uniform = (np.float32(np.int32(first >> EIGHT)) + HALF) * TWO_TO_MINUS_24
    radius = np.float32(math.sqrt(MINUS_TWO * log(uniform)))
    angle = np.float32(np.int32(second) >> np.int32(8)) * HALF_PI_PER_COUNT
    square = angle * angle
    sine = ((((SIN_11 * square + SIN_9) * square + SIN_7) * square + SIN_5) * square + SIN_3) * square + SIN_1
    cosine = (COS_12 * square + COS_10) * square + COS_8
    cosine = (((cosine * square + COS_6) * square + COS_4) * square + COS_2) * square + COS_0
    flip = np.int32(second & np.uint32(1)) << np.int32(31)
    return radius * as_float(as_bits(cosine) ^ flip), radius * (angle * sine)


@inline
def four_normals(node, term, block, stream, key_0, key_1):
    """Normals of one node and term at the four steps of one block."""
    word_0, word_1, word_2, word_3 = np.uint32(node), np.uint32(term), np.uint32(block), np.uint32(stream)
    for _ in range(ROUNDS):
        product_0 = np.uint64(word_0) * MULTIPLIER_0
        product_1 = np.uint64(word_2) * MULTIPLIER_1
        word_0 = np.uint32(product_1 >> WORD) ^ word_1 ^ key_0
        word_2 = np.uint32(product_0 >> WORD) ^ word_3 ^ key_1
        word_1 = np.uint32(product_1)
        word_3 = np.uint32(product_0)
        key_0 = np.uint32(key_0 + INCREMENT_0)
        key_1 = np.uint32(key_1 + INCREMENT_1)
    first, second = box_muller(word_0, word_1)
    third, fourth = box_muller(word_2, word_3)
    return first, second, third, fourth


@njit(error_model="numpy", nogil=True)
def draw_steps(noise, first_step, stream, keys):
    """Fill noise with one normal each."""
    steps, terms, nodes, lanes = noise.shape
    for block in range(steps // 4):
        at, number = 4 * block, first_step // 4 + block
        for term in range(terms):
            if lanes == 1:
                key_0, key_1 = keys[0, 0], keys[1, 0]
                for node in range(nodes):
                    a, b, c, d = four_normals(node, term, number, stream, key_0, key_1)
                    noise[at, term, node, 0] = a
                    noise[at + 1, term, node, 0] = b
                    noise[at + 2, term, node, 0] = c
                    noise[at + 3, term, node, 0] = d
                continue
            for node in range(nodes):
                for lane in range(lanes):
                    a, b, c, d = four_normals(node, term, number, stream, keys[0, lane], keys[1, lane])
                    noise[at, term, node, lane] = a
                    noise[at + 1, term, node, lane] = b
                    noise[at + 2, term, node, lane] = c
                    noise[at + 3, term, node, lane] = d


@njit(error_model="numpy", nogil=True)
def sum_fine_steps(noise, first_step, fine_steps, stream, keys):
    """Fill noise with scaled sums of normals, in single precision and in the order of time."""
    steps, terms, nodes, lanes = noise.shape
    fine = np.empty((4, terms, nodes, lanes), np.float32)
    sums, parts = noise.reshape(steps, -1), fine.reshape(4, -1)
    scale = np.float32(1.0 / math.sqrt(fine_steps))
    sums[:] = 0
    for first in range(0, steps * fine_steps, 4):
        draw_steps(fine, first_step * fine_steps + first, stream, keys)
        for part in range(4):
            row = (first + part) // fine_steps
            for place in range(sums.shape[1]):
                sums[row, place] = np.float32(sums[row, place]) + parts[part, place]
    for row in range(steps):
        for place in range(sums.shape[1]):
            sums[row, place] = scale * np.float32(sums[row, place])


@njit(error_model="numpy", nogil=True)
def draw(noise, first_step, fine_steps, stream, keys):
    """Fill noise[step, term, node, lane] for consecutive steps; their first and number are multiples of four.

    keys[:, lane] holds the two words of the seed of a lane. Each step sums the normals of `fine_steps` finer
    ones.
    """
    if fine_steps == 1:
        draw_steps(noise, first_step, stream, keys)
    else:
        sum_fine_steps(noise, first_step, fine_steps, stream, keys)
