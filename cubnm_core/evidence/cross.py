"""Is anything personal? Parameters, connectomes and scans of different people, crossed by simulation.

A person's fit has three parts: parameters, connectome, and the scans it is scored against. Each is exchanged
for those of other people, or of their average, and nothing is fitted again. Inhibitory weights (``wIE``) that
feedback inhibition control found belong to a connectome as well as to parameters. Where both come from
different people, every simulation is therefore made twice: with the weights that were found for the person
whose parameters they are ("fitted"), and with weights found anew for the connectome at hand ("tuned"). The
first also counts that the weights do not suit another connectome, the second does not.
"""

from dataclasses import dataclass, field
from itertools import pairwise, product

import numpy as np

from cubnm_core.fitting.candidates import Candidate, score_candidates
from cubnm_core.measures.objective import has_failed

OWN, OTHERS, GROUP = OWNERS = ("own", "others", "group")
FITTED, TUNED, WITHOUT = "fitted", "tuned", "none"
MEASURES = ("fc_corr", "fcd_ks", "fcd_ks_binned", "cost")
#: What is compared, own less other: parameters, connectome and data of each side.
CONTRASTS = {
    "connectome_others": ((OWN, OWN, OWN), (OWN, OTHERS, OWN)),
    "connectome_group": ((OWN, OWN, OWN), (OWN, GROUP, OWN)),
    "parameters_others": ((OWN, OWN, OWN), (OTHERS, OWN, OWN)),
    "parameters_group": ((OWN, OWN, OWN), (GROUP, OWN, OWN)),
    "everything_others": ((OWN, OWN, OWN), (OTHERS, OTHERS, OWN)),
    "everything_group": ((OWN, OWN, OWN), (GROUP, GROUP, OWN)),
    "data_others": ((OWN, OWN, OWN), (OWN, OWN, OTHERS)),
}


@dataclass(frozen=True, eq=False)
class Member:
    """What one person, or the average of some, brings to the cross.

    Parameters
    ----------
    weights : (N, N) array
    params : dict of str to float or (N,) array
        As fitted, inhibitory weights included; the same names for everybody.
    targets : dict of split to Target, optional
    lengths : (N, N) array, optional
        In mm, for models with conduction delays.
    """

    weights: np.ndarray
    params: dict
    targets: dict = field(default_factory=dict)
    lengths: np.ndarray | None = None


@dataclass(frozen=True)
class Pairing:
    """Parameters of one member on the connectome of one: whose both are, and places among the members."""

    parameters: str
    connectome: str
    giver: int
    host: int
    one_connectome: bool = False  # everybody's: the person's stands for all

    @property
    def fits_together(self):
        """Whether the inhibitory weights of the parameters were found for this connectome."""
        return self.parameters != GROUP and (self.one_connectome or self.giver == self.host)


@dataclass(frozen=True, eq=False)
class Cell:
    """Scores of one condition.

    Attributes
    ----------
    values : (S,) array
        For every noise seed, or every average of such, the mean over pairs.
    n_pairs : int
        Pairs of a simulated model and a target that were averaged.
    n_failed : int
        Simulations that failed; they count with the worst values.
    """

    values: np.ndarray
    n_pairs: int
    n_failed: int


def pairings(n_others, one_connectome=False):
    """List what is simulated for a person: parameters x connectome, own, others' and the group's.

    With others on both sides both are of the same other person: another whole fit. Where everybody has the
    same connectome there is none to exchange; it counts as everybody's own.

    Parameters
    ----------
    n_others : int
    one_connectome : bool, optional

    Returns
    -------
    list of Pairing
        Places: 0 the person, 1 to `n_others` the others, then the group, which there is with others only.
    """
    group = [n_others + 1] if n_others else []
    places = {OWN: [0], OTHERS: list(range(1, n_others + 1)), GROUP: group}
    hosts = {OWN: [0]} if one_connectome else places
    found = [
        Pairing(parameters, connectome, giver, host, one_connectome)
        for parameters, connectome in product(OWNERS, hosts)
        for giver, host in product(places[parameters], hosts[connectome])
        if giver == host or (parameters, connectome) != (OTHERS, OTHERS)
    ]
    return sorted(found, key=lambda pair: pair.host)  # who shares a connectome is simulated together


def n_simulations(n_others, seeds, control, one_connectome=False):
    """Number of simulations for one person with so many others and noise seeds, tuning not counted.

    Parameters
    ----------
    n_others, seeds : int
    control : bool
        Whether the model has feedback inhibition control.
    one_connectome : bool, optional
        Whether everybody has the same.

    Returns
    -------
    int
    """
    pairs = pairings(n_others, one_connectome)
    again = sum(not pair.fits_together for pair in pairs) if control else 0
    return (len(pairs) + again) * seeds


def mean_parameters(params):
    """Average parameters of several people, regional ones node by node: dict of str to float or array."""
    return {name: np.mean([mine[name] for mine in params], axis=0) for name in params[0]}


def cross(members, packer, objective, seeds, tuner=None):
    """Simulate and score every exchange for one person.

    Parameters
    ----------
    members : list of Member
        The person, the others, and their group; or the person alone.
    packer : cubnm_core.fitting.packing.Packer
        Of simulations without feedback inhibition control that record what the objective needs.
    objective : Objective
    seeds : sequence of S ints
        Of the noise.
    tuner : cubnm_core.fitting.candidates.Tuner, optional
        Where the model has feedback inhibition control.

    Returns
    -------
    dict of (parameters, connectome, data, inhibition, split, measure) to Cell
        ``data`` is "own", or "others" for the scans of people who gave neither the parameters nor the
        connectome of a simulation. ``inhibition`` is "fitted" or "tuned", or "none" without control. Only
        measures that compare with data (:data:`MEASURES`), as far as they can be had.
    """
    pairs = pairings(max(len(members) - 2, 0), have_one_connectome(members[:-1]))
    models = _models(members, pairs, seeds, tuner)
    scores, failed = _score(members, models, packer, objective)
    cells = {}
    for parameters, connectome in dict.fromkeys((pair.parameters, pair.connectome) for pair in pairs):
        for inhibition in (FITTED, TUNED) if tuner else (WITHOUT,):
            rows = [
                row
                for row, (pair, _, kinds) in enumerate(models)
                if (pair.parameters, pair.connectome) == (parameters, connectome) and inhibition in kinds
            ]
            for data in (OWN, OTHERS):
                found = _cells(scores, rows, data, int(failed[rows].sum()))
                cells |= {
                    (parameters, connectome, data, inhibition, *key): cell for key, cell in found.items()
                }
    return cells


def have_one_connectome(people):
    """Whether there are several people who all have the same connectome.

    Parameters
    ----------
    people : list
        Of whatever has ``weights`` (N, N), and ``lengths`` (N, N) or None.

    Returns
    -------
    bool
    """
    same = [
        np.array_equal(one.weights, other.weights) and np.array_equal(one.lengths, other.lengths)
        for one, other in pairwise(people)
    ]
    return bool(same) and all(same)


def _models(members, pairs, seeds, tuner):
    """List the models to simulate: pairing, candidate, and for which kinds of inhibition they stand."""
    models = [(pair, _candidate(members, pair, seeds), (WITHOUT,)) for pair in pairs]
    if tuner is None:
        return models
    mixed = [(pair, candidate) for pair, candidate, _ in models if not pair.fits_together]
    models = [
        (pair, candidate, (FITTED, TUNED) if pair.fits_together else (FITTED,))
        for pair, candidate, _ in models
    ]
    if mixed:
        found = tuner.tune([candidate for _, candidate in mixed])
        models += [(pair, candidate, (TUNED,)) for (pair, _), candidate in zip(mixed, found, strict=True)]
    return sorted(models, key=lambda model: model[0].host)


def _candidate(members, pair, seeds):
    """A pairing with every target that it may be compared with, by place of the member and split."""
    host = members[pair.host]
    targets = {
        (place, split): target
        for place, member in enumerate(members)
        if place == 0 or place not in (pair.giver, pair.host)
        for split, target in member.targets.items()
    }
    return Candidate(host.weights, members[pair.giver].params, targets, seeds, host.lengths)


def _score(members, models, packer, objective):
    """Simulate all models with all seeds; score them against every target they may be compared with.

    Returns
    -------
    scores : dict of (place of a target's person, split, measure) to (models, S) array
        For every seed, or average if the objective is of such; NaN where the person gave a part of the model.
    failed : (models, S) bool array
    """
    candidates = [candidate for _, candidate, _ in models]
    board = score_candidates(candidates, packer, objective, by_seed=True)
    scores = {}
    for row in range(len(candidates)):
        for target, measures in board.scores(row).items():
            for measure in [measure for measure in measures if measure in MEASURES]:
                values = measures[measure]
                whole = scores.setdefault((*target, measure), np.full((len(candidates), len(values)), np.nan))
                whole[row] = values
    return scores, has_failed([board.status(row) for row in range(len(candidates))])


def _cells(scores, rows, data, n_failed):
    """Average the scores of some models, by split and measure, against the person's own or others' data."""
    found = {}
    for (place, split, measure), values in scores.items():
        if (place == 0) == (data == OWN):
            found.setdefault((split, measure), []).append(values[rows])
    cells = {}
    for key, parts in found.items():
        known = np.concatenate(parts)
        known = known[~np.isnan(known).any(axis=1)]
        if len(known):
            cells[key] = Cell(known.mean(axis=0), len(known), n_failed)
    return cells
