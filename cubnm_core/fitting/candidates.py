"""Models simulated side by side, each with its own connectome, parameters, targets and noise seeds."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model that is simulated and scored beside others.

    Parameters
    ----------
    weights : (N, N) array
        Candidates that share a connectome should share the array.
    params : dict of str to float or (N,) array
        The same names in all candidates.
    targets : dict of split to Target
    seeds : sequence of S ints
        Of the noise.
    lengths : (N, N) array, optional
        In mm, for models with conduction delays.
    """

    weights: np.ndarray
    params: dict
    targets: dict
    seeds: tuple
    lengths: np.ndarray | None = None


def stacked(candidates):
    """Give candidates as a batch of simulations has them.

    Parameters
    ----------
    candidates : sequence of M Candidate

    Returns
    -------
    weights : (S, N, N) array
        Every connectome once.
    connectome : (M,) int array
        Which of them each candidate has.
    params : dict of str to (M,) or (M, N) array
    lengths : (S, N, N) array or None
    """
    first = {}
    for place, candidate in enumerate(candidates):
        first.setdefault(id(candidate.weights), place)
    chosen = [candidates[place] for place in first.values()]
    order = {name: number for number, name in enumerate(first)}
    params = {
        name: np.stack([np.asarray(candidate.params[name]) for candidate in candidates])
        for name in candidates[0].params
    }
    lengths = None if chosen[0].lengths is None else np.stack([one.lengths for one in chosen])
    connectome = np.array([order[id(candidate.weights)] for candidate in candidates])
    return np.stack([one.weights for one in chosen]), connectome, params, lengths


def with_inhibition(candidates, weight, tune, size=256):
    """Let feedback inhibition control find the inhibitory weights of every candidate anew.

    Parameters
    ----------
    candidates : sequence of Candidate
        Without inhibitory weights.
    weight : str
        Name of the inhibitory weights.
    tune : callable
        ``tune(weights (S, N, N), connectome (M,), params, lengths)`` gives them, (M, N).
    size : int, optional
        Most candidates of one call.

    Returns
    -------
    list of Candidate
    """
    tuned = []
    for start in range(0, len(candidates), size):
        part = candidates[start : start + size]
        # Where the control diverged there is no inhibition; what is simulated then shows it.
        found = np.nan_to_num(tune(*stacked(part)))
        tuned += [
            replace(candidate, params={**candidate.params, weight: mine})
            for candidate, mine in zip(part, found, strict=True)
        ]
    return tuned
