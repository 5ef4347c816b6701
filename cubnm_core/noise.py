"""Counter-based standard normal noise: a function of (seed, stream, step, node, noise term) alone.

Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405) gives four words for four consecutive steps of
one node and noise term; Box-Muller turns them into normals. Only correctly rounded float32 operations (+ - *
/ sqrt) and integers are used, no library functions and no fused multiply-add, so every backend computes the
same bits. The fast backends repeat these operations in this order; this module is what they are tested
against.
"""

import numpy as np

#: Independent streams of one seed.
STREAMS = {"simulation": 0, "warm_up": 1, "measurement": 2, "initial": 3}

#: Steps that share one Philox block.
STEPS_PER_BLOCK = 4

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10

# log(m) for m in [sqrt(1/2), sqrt(2)) = 2 z (1 + z^2/3 + z^4/5 + ...), z = (m - 1)/(m + 1)
LOG_SERIES = tuple(np.float32(2.0 / k) for k in (9, 7, 5, 3, 1))
# Taylor series, highest power first; |x| <= pi/2, error below 6e-8
SIN_SERIES = tuple(np.float32(c) for c in (-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1.0))
COS_SERIES = tuple(
    np.float32(c) for c in (1 / 479001600, -1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2, 1.0)
)
SQRT_HALF_BITS = 0x3F3504F3
LN2 = np.float32(0.6931471805599453)
TWO_TO_MINUS_24 = np.float32(2.0**-24)
HALF_PI_PER_COUNT = np.float32(np.pi / 2 / 2**23)


def philox(counter, key):
    """Philox4x32-10.

    Parameters
    ----------
    counter : sequence of 4 uint32 arrays
    key : sequence of 2 ints

    Returns
    -------
    list of 4 uint32 arrays
    """
    words = [np.asarray(word, np.uint64) for word in counter]
    keys = [np.uint64(word) for word in key]
    mask, shift = np.uint64(0xFFFFFFFF), np.uint64(32)
    for _ in range(ROUNDS):
        product0, product1 = words[0] * np.uint64(MULTIPLIERS[0]), words[2] * np.uint64(MULTIPLIERS[1])
        words = [
            (product1 >> shift) ^ words[1] ^ keys[0],
            product1 & mask,
            (product0 >> shift) ^ words[3] ^ keys[1],
            product0 & mask,
        ]
        keys = [(k + np.uint64(step)) & mask for k, step in zip(keys, KEY_INCREMENTS, strict=True)]
    return [word.astype(np.uint32) for word in words]


def box_muller(first, second):
    """Two independent standard normals (float32) from two uniform uint32 words.

    The angle is drawn from half the circle; an unused bit of `second` picks the other half.
    """
    uniform = ((first >> np.uint32(8)).astype(np.float32) + np.float32(0.5)) * TWO_TO_MINUS_24
    radius = np.sqrt(np.float32(-2.0) * _log(uniform))
    angle = (second.view(np.int32) >> np.int32(8)).astype(np.float32) * HALF_PI_PER_COUNT
    square = angle * angle
    sine = angle * _polynomial(square, SIN_SERIES)
    cosine = _polynomial(square, COS_SERIES)
    flip = (second & np.uint32(1)) << np.uint32(31)
    return radius * (cosine.view(np.uint32) ^ flip).view(np.float32), radius * sine


def _log(x):
    bits = x.view(np.int32)
    exponent = (bits - np.int32(SQRT_HALF_BITS)) >> np.int32(23)
    mantissa = (bits - (exponent << np.int32(23))).view(np.float32)
    z = (mantissa - np.float32(1.0)) / (mantissa + np.float32(1.0))
    return exponent.astype(np.float32) * LN2 + z * _polynomial(z * z, LOG_SERIES)


def _polynomial(x, coefficients):
    result = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result = result * x + coefficient
    return result


def normals(seed, first_step, n_steps, n_terms, n_nodes, stream="simulation"):
    """Standard normal noise.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    first_step, n_steps : int
        Time steps ``first_step .. first_step + n_steps - 1``.
    n_terms, n_nodes : int
    stream : str
        Key of `STREAMS`.

    Returns
    -------
    float32 array (n_steps, n_terms, n_nodes)
    """
    first_block, last_block = first_step // STEPS_PER_BLOCK, -(-(first_step + n_steps) // STEPS_PER_BLOCK)
    block, term, node = np.meshgrid(
        np.arange(first_block, last_block), np.arange(n_terms), np.arange(n_nodes), indexing="ij"
    )
    words = philox((node, term, block, np.full_like(node, STREAMS[stream])), split_seed(seed))
    drawn = np.stack([*box_muller(words[0], words[1]), *box_muller(words[2], words[3])], axis=1)
    steps = drawn.reshape((last_block - first_block) * STEPS_PER_BLOCK, n_terms, n_nodes)
    start = first_step - first_block * STEPS_PER_BLOCK
    return steps[start : start + n_steps]


def summed_normals(seed, first_step, n_steps, n_terms, n_nodes, fine_steps, stream="simulation"):
    """Standard normal noise of longer steps on the Brownian path of finer ones.

    The increment of a path over a step is the sum of its increments over the `fine_steps` finer steps in it,
    so that ``sum / sqrt(fine_steps)`` is standard normal again. Sums are in single precision, in the order
    of time.

    Parameters
    ----------
    seed, first_step, n_steps, n_terms, n_nodes, stream
        See `normals`; steps are the longer ones.
    fine_steps : int

    Returns
    -------
    float32 array (n_steps, n_terms, n_nodes)
    """
    fine = normals(seed, first_step * fine_steps, n_steps * fine_steps, n_terms, n_nodes, stream)
    fine = fine.reshape(n_steps, fine_steps, n_terms, n_nodes)
    total = fine[:, 0].copy()
    for part in range(1, fine_steps):
        total += fine[:, part]
    return total * scale_of_sum(fine_steps)


def scale_of_sum(fine_steps):
    """What makes the sum of so many standard normals one again, float32."""
    return np.float32(1 / np.sqrt(fine_steps))


def uniforms(seed, n_nodes, term):
    """One number in (0, 1) for each node, float64 (N,); `term` tells several such draws of one seed apart."""
    node = np.arange(n_nodes)
    words = philox(
        (node, np.full_like(node, term), 0 * node, np.full_like(node, STREAMS["initial"])), split_seed(seed)
    )
    return (words[0].astype(float) + 0.5) * 2.0**-32


def split_seed(seed):
    """The two 32-bit words of a seed."""
    return seed & 0xFFFFFFFF, seed >> 32
