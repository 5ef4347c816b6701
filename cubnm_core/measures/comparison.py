"""Simulations compared with targets as soon as they have run, so that nobody need keep their FC and FCD."""

from dataclasses import dataclass

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures import distances
from cubnm_core.measures.observables.catalogue import OBSERVABLES

#: Terms of a cost that compare the FC or the FCD of a simulation with those of a target.
FC_TERMS = ("fc_corr", "fc_diff", "fc_normec")
FCD_TERMS = ("fcd_ks", "fcd_ks_binned")


def available(target):
    """Names of the terms that can be had from a target, always in one order.

    Parameters
    ----------
    target : cubnm_core.measures.objective.Target

    Returns
    -------
    list of str
    """
    names = list(FC_TERMS)
    names += ["fcd_ks"] if target.fcd is not None else []
    return names + (["fcd_ks_binned"] if target.binned_fcd is not None else [])


def check_pairs(n_pairs, target):
    """Refuse a target whose FC has another number of pairs than that of the simulations."""
    if n_pairs != target.fc.size:
        raise InputError(
            f"Simulated FC has {n_pairs} pairs and the target {target.fc.size}: "
            "nodes or pair masks differ between the simulation and the target."
        )


def compared_arrays(run, target, rows):
    """Give FC and FCD of simulations as a target asks for them: of all of them, or of pieces.

    Parameters
    ----------
    run : Simulation
    target : cubnm_core.measures.objective.Target
    rows : slice or (L,) int array

    Returns
    -------
    fc : (L, P) array
    fcd : (L, W) array or None
    """
    if target.layout is not None:
        return run.measured(target.layout, rows, target.binned_fcd is not None)
    return np.asarray(run.fc)[rows], None if run.fcd is None else run.fcd[rows]


def compared_observables(run, target, rows):
    """Give observables of simulations as a target asks for them: of all of them, or of pieces.

    Parameters
    ----------
    run : Simulation
    target : cubnm_core.measures.objective.Target
    rows : slice or (L,) int array

    Returns
    -------
    dict of str to (L, K) arrays
    """
    observed = getattr(run, "observables", {})
    if target.layout is not None and observed:
        return run.measured_observables(target.layout, rows)
    return {name: values[rows] for name, values in observed.items()}


def compare(fc, fcd, target, names):
    """Compare simulations with one target.

    Parameters
    ----------
    fc : (B, P) array
    fcd : (B, W) array or None
        Needed for the terms of the FCD only.
    target : cubnm_core.measures.objective.Target
    names : sequence of str
        Any of those that are :func:`available`.

    Returns
    -------
    dict of str to (B,) float64 arrays
        Not finite where a simulation is not.

    Raises
    ------
    InputError
        If FC vectors differ in length.
    """
    check_pairs(fc.shape[1], target)
    fc = np.asarray(fc, dtype=np.float64)
    measures = {
        "fc_corr": lambda: distances.correlation(fc, target.fc),
        "fc_diff": lambda: distances.mean_difference(fc, target.fc),
        "fc_normec": lambda: distances.normalised_distance(fc, target.fc),
        "fcd_ks": lambda: distances.kolmogorov_smirnov(fcd, target.sorted_fcd),
        "fcd_ks_binned": lambda: distances.binned_kolmogorov_smirnov(fcd, target.binned_fcd),
    }
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return {name: measures[name]() for name in names}


def compare_observables(observed, target, names):
    """Compare observables of simulations with those of one target.

    Parameters
    ----------
    observed : dict of str to (B, K) arrays
    target : cubnm_core.measures.objective.Target
    names : iterable of str
        Of observables; those that simulations or target lack are left out.

    Returns
    -------
    dict of str to (B,) float64 arrays
        Not finite where an observable is not.

    Raises
    ------
    InputError
        If simulations and target have different numbers of values.
    """
    found = {}
    for name in [name for name in names if name in observed and name in target.observables]:
        simulated, wanted = observed[name], target.observables[name]
        if simulated.shape[1] != wanted.size:
            raise InputError(
                f"{name} has {simulated.shape[1]} values in simulations and {wanted.size} in the scan: "
                "nodes, networks or repetition times differ."
            )
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            found[name] = OBSERVABLES[name].distance(simulated, wanted)
    return found


@dataclass(frozen=True, eq=False)
class Comparison:
    """What each simulation of a batch is compared with.

    Parameters
    ----------
    targets : list of cubnm_core.measures.objective.Target
    index : (B,) int array
        Which of them belongs to each simulation.
    terms : tuple of str
        Of :data:`FC_TERMS` and :data:`FCD_TERMS`, and observables; those that a target does not allow are
        NaN.
    """

    targets: list
    index: np.ndarray
    terms: tuple

    @property
    def wants_fcd(self):
        """Whether any term needs the FCD."""
        return any(name in FCD_TERMS for name in self.terms)

    @property
    def observables(self):
        """Those of the terms that are observables."""
        return [name for name in self.terms if name in OBSERVABLES]

    def layout_of(self, row):
        """The pieces that the simulation at a place in the batch is compared in; None for all of it."""
        return self.targets[self.index[row]].layout

    def observable_scores(self, row, found):
        """Compare the observables of one simulation, the one at a place in the batch, with its target.

        Parameters
        ----------
        row : int
        found : dict of str to (K,) array

        Returns
        -------
        dict of str to float
        """
        observed = {name: values[None] for name, values in found.items()}
        scores = compare_observables(observed, self.targets[self.index[row]], self.observables)
        return {name: float(values[0]) for name, values in scores.items()}

    def terms_of(self, target):
        """Names of the terms that are asked for and that a target allows."""
        return [name for name in available(target) if name in self.terms]

    def by_layout(self, rows):
        """Part simulations by the pieces that their targets ask for.

        Parameters
        ----------
        rows : (L,) int array
            Their places in the batch.

        Returns
        -------
        list of (cubnm_core.measures.pieces.Layout or None, (M,) int array, bool)
            Places in `rows`, and whether any of their targets is compared by its FCD.
        """
        found = {}
        for index in np.unique(self.index[rows]):
            found.setdefault(self.targets[index].layout, []).append(index)
        return [
            (
                layout,
                np.flatnonzero(np.isin(self.index[rows], indices)),
                any(name in FCD_TERMS for index in indices for name in self.terms_of(self.targets[index])),
            )
            for layout, indices in found.items()
        ]

    def scores(self, rows, fc, fcd):
        """Compare FC and FCD of some simulations, each with its own target.

        Parameters
        ----------
        rows : (L,) int array
            Their places in the batch.
        fc : (L, P) array
        fcd : (L, W) array or None

        Returns
        -------
        dict of str to (L,) float64 arrays
        """
        names = [name for name in self.terms if name not in OBSERVABLES]
        scores = {name: np.full(len(rows), np.nan) for name in names}
        for index in np.unique(self.index[rows]):
            mine = np.flatnonzero(self.index[rows] == index)
            target = self.targets[index]
            own_fcd = None if fcd is None else fcd[mine]
            for name, values in compare(fc[mine], own_fcd, target, self.terms_of(target)).items():
                scores[name][mine] = values
        return scores
