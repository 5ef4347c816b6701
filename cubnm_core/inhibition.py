"""Feedback inhibition control (FIC): inhibitory weights that hold every region near a low firing rate.

Deco et al. 2014, doi:10.1523/JNEUROSCI.5068-13.2014; analytical solution: Demirtas et al. 2019,
doi:10.1016/j.neuron.2019.01.017.
"""

import numpy as np

from cubnm_core.errors import InputError

# Steady state of an isolated rWW region at r_E = 3.08 Hz, the operating point that cuBNM uses.
S_E_REST = 0.1647572075  # 1
I_E_REST = 0.3773805650  # nA
_CURRENT_RANGE = (0.0, 2.0)  # nA, holds the inhibitory current at rest


def analytical(model, weights, G, w_p, J_N):
    """Inhibitory weights that balance the mean-field excitatory current at rest.

    Parameters
    ----------
    model : Model
        rWW; its constants are used.
    weights : (N, N) array
        ``weights[source, target]``.
    G : (B,) array
    w_p, J_N : (B, N) arrays
        J_N in nA.

    Returns
    -------
    wIE : (B, N) array
        In nA; 1 in every node where no solution exists.
    found : (B,) bool array
        False where an inhibitory weight would be negative, or the inhibitory current has no solution.

    Raises
    ------
    InputError
        For a model other than rWW, whose steady state is not known in closed form.
    """
    if model.name != "rWW":
        raise InputError(f"analytical FIC is known for rWW only, not for {model.name}; set fic to null")
    value = {name: constant.value for name, constant in model.constants.items()}
    S_I, solved = _inhibitory_rest(value, J_N)
    G = np.asarray(G, float)[:, None]
    long_range = G * J_N * S_E_REST * np.asarray(weights, float).sum(axis=0)
    current = value["W_E"] * value["I0"] + w_p * J_N * S_E_REST + long_range - I_E_REST
    wIE = current / S_I
    found = (solved & (wIE >= 0)).all(axis=1)
    return np.where(found[:, None], wIE, 1.0), found


def _inhibitory_rest(value, J_N):
    """Steady inhibitory gating for excitatory gating at rest, for every distinct J_N."""
    from scipy.optimize.elementwise import find_root

    distinct, index = np.unique(J_N, return_inverse=True)
    seconds = 1e-3 * value["tau_I"]  # gamma_I is per ms and per Hz

    def rate(current):
        from cubnm_core.backends.reference import explinear

        return explinear(value["d_I"] * (value["a_I"] * current - value["b_I"])) / value["d_I"]

    def excess(current, J_N):
        drive = value["W_I"] * value["I0"] + J_N * S_E_REST
        return drive - value["w_II"] * 1e3 * value["gamma_I"] * seconds * rate(current) - current

    root = find_root(excess, _CURRENT_RANGE, args=(distinct,))
    S_I = 1e3 * value["gamma_I"] * seconds * rate(root.x)
    return S_I[index].reshape(J_N.shape), root.success[index].reshape(J_N.shape)
