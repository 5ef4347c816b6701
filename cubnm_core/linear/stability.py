"""How fast small deviations from a fixed point grow: the eigenvalues with the largest real parts."""

import numpy as np

from cubnm_core.equations.small_systems import solve_small

_DENSE = 80  # unknowns up to which all eigenvalues are computed
_WANTED, _BASIS, _RELATIVE = 2, 20, 1e-4  # a complex pair; vectors of Arnoldi's basis; error of eigenvalues
_REFINEMENTS = 20
_TILT = 0.1
_CLOSE = 1e-8


def leading_eigenvalue(network):
    """The eigenvalue of a linear network with the largest real part, in 1/s, its imaginary part positive.

    Parameters
    ----------
    network : cubnm_core.linear.spectra.LinearNetwork
        With delays, the eigenvalue without them is continued by Newton's method; others could overtake it.

    Returns
    -------
    complex
    """
    values = _dense(network) if network.by_states[0].size <= _DENSE else _sparse(network)
    value = complex(values[np.argmax(values.real)]) / network.unit
    value = complex(value.real, abs(value.imag))
    return value if network.delays is None else _continue(network, value)


def jacobian(network):
    """The Jacobian without delays, (k N, k N), states varying slowest, in 1 per time unit of the model."""
    states, nodes = network.observed.shape
    through = np.einsum("ksi,ji,slj->kilj", network.by_sums, network.weights, network.sent_by_states)
    through[:, np.arange(nodes), :, np.arange(nodes)] += network.by_states.transpose(2, 0, 1)
    return through.reshape(states * nodes, states * nodes)


def _dense(network):
    return np.linalg.eigvals(jacobian(network))


def _sparse(network):
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

    states, nodes = network.observed.shape
    weights = np.ascontiguousarray(network.weights.T)

    def multiply(vector):
        values = vector.reshape(states, nodes)
        sent = np.einsum("skn,kn->sn", network.sent_by_states, values)
        received = sent @ weights.T
        moved = np.einsum("kln,ln->kn", network.by_states, values)
        return (moved + np.einsum("ksn,sn->kn", network.by_sums, received)).ravel()

    size = states * nodes
    operator = LinearOperator((size, size), matvec=multiply, dtype=float)
    start = np.ones(size)  # the same for every call, so that results do not depend on what ran before
    try:
        return eigs(
            operator, k=_WANTED, ncv=_BASIS, which="LR", v0=start, tol=_RELATIVE, return_eigenvectors=False
        )
    except ArpackNoConvergence:
        return _dense(network)


def _continue(network, value):
    """Newton's method on the characteristic function, whose roots with delays may leave the real axis."""
    root = value + _TILT * 1j * abs(value)
    for _ in range(_REFINEMENTS):
        step = 1e-6 * max(abs(root), 1.0)
        here, ahead = (_coupled_matrix(network, np.array([root + shift])) for shift in (0.0, step))
        with np.errstate(all="ignore"):
            try:
                slope = np.trace(np.linalg.solve(here, (ahead - here) / step))
            except np.linalg.LinAlgError:  # it is a root already
                return root
            change = 1 / (slope + _local_slope(network, root))
        if not np.isfinite(change):
            return value
        root = root - change
        if abs(change) <= _CLOSE * max(abs(root), 1.0):
            break
    return complex(root.real, abs(root.imag))


def _local_slope(network, root):
    """Logarithmic derivative of the characteristic functions of all isolated nodes."""
    size = len(network.by_states)
    identity = np.broadcast_to(np.eye(size)[:, :, None], network.by_states.shape).astype(complex)
    inverse = solve_small(identity * (root * network.unit) - network.by_states, identity)
    return np.einsum("kkn->", inverse) * network.unit


def _coupled_matrix(network, laplace):
    to_sums, _ = network.local_responses(laplace * network.unit)
    passed = np.einsum("skn,ktfn->stn", network.sent_by_states, to_sums)
    weights = network.delayed_weights(laplace)[0].T
    sums, nodes = passed.shape[1:]
    matrix = -(weights[None, :, None, :] * passed[:, None]).reshape(sums * nodes, sums * nodes)
    return matrix + np.eye(sums * nodes)
