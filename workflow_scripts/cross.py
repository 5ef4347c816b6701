"""Rule cross: exchange parameters, connectomes and scans between people, and score what comes of it.

Nothing is fitted again. `cubnm_core.cross` says what is exchanged, and what becomes of inhibitory weights.
"""

import hashlib
from collections import defaultdict

import numpy as np

from cubnm_core import cross, packing
from cubnm_core.errors import InputError
from cubnm_core.group import mean_connectome, without
from workflow_scripts import (
    archives,
    costs,
    cross_people,
    evaluate,
    fitted,
    group_average,
    job,
    noise_seeds,
    simulations,
)

CONDITIONS = ("parameters", "connectome", "data", "inhibition", "split", "measure")
VALUES = ("mean", "sd", "n_pairs", "n_seeds", "n_failed")
COLUMNS = (*evaluate.KEYS, *CONDITIONS, *VALUES, *evaluate.ANALYSIS, "seeds")


def main(sm):
    """Cross every fitted person of a batch with others and write one row per condition and measure."""
    logger = job.start(sm)
    files, settings, fit, splits = sm.input, sm.params.settings, sm.wildcards.fit, sm.params.splits
    own = People(files.connectomes, files.targets, splits, settings)
    own.read_parameters(files.fits, files.regional_parameters, fit)
    everybody = People(files.people, files.scans, splits, settings)
    everybody.read_parameters(files.all_fits, files.all_regional_parameters, fit)
    pooled = cross_people.read_sums(files.group)
    hemispheres = simulations.read_hemispheres(files.nodes)
    rows = []
    for ids in sm.params.units:
        first = noise_seeds.of_session(sm.params.first_seed, ids["session_id"])
        seeds = range(first, first + sm.params.seeds)
        try:
            person, me = own.member(ids)
            members = [me, *company(ids, everybody, pooled, sm.params.others)]
            cells = crossed(person, members, settings, hemispheres, seeds, sm.threads)
        except InputError as error:
            logger.warning("%s is not crossed with others: %s", ids["unit"], error)
            continue
        keys = {key: ids[key] for key in ("participant_id", "session_id")} | {"fit": fit}
        rows += cell_rows(keys, cells, settings, seeds)
        logger.info("%s: crossed with %d other people", ids["unit"], max(len(members) - 2, 0))
    job.write_tsv(sm.output[0], rows, columns=COLUMNS)


class People:
    """Prepared files and fitted parameters of some people, read as they are needed.

    Parameters
    ----------
    connectomes, targets : paths
        Of archives; of targets the split changes fastest.
    splits : list of str
    settings : dict
        Resolved settings of the fit.
    """

    def __init__(self, connectomes, targets, splits, settings):
        self.connectomes, self.targets = archives.Archive(connectomes), archives.by_split(targets, splits)
        self.settings, self.params = settings, {}

    def read_parameters(self, fits, regional, fit):
        """Read who was fitted, from the table of fits and that of regional parameters."""
        self.params = fitted.read_parameters(fits, regional, fit)

    def units(self, usable=lambda ids: True):
        """Units by participant, in the order of the archives."""
        found = defaultdict(list)
        for record in self.connectomes.records.values():
            ids = {key: record[key] for key in ("unit", "participant_id", "session_id")}
            if usable(ids):
                found[ids["participant_id"]].append(ids)
        return found

    def is_fitted(self, ids):
        """Whether a unit has parameters."""
        return _key(ids) in self.params

    def member(self, ids):
        """Read what a unit brings to the cross: (simulations.Person, cubnm_core.cross.Member).

        Raises
        ------
        InputError
            If it has no fit, or its files cannot be used.
        """
        if not self.is_fitted(ids):
            raise InputError(f"{ids['unit']} has no fit")
        weighed = self.settings["objective"]
        person = simulations.read_person(
            ids, self.connectomes, self.targets, self.settings["delays"], weighed
        )
        if not isinstance(person, simulations.Person):
            raise InputError("; ".join(person))
        return person, cross.Member(person.weights, self.params[_key(ids)], person.targets, person.lengths)


def _key(ids):
    return ids["participant_id"], ids["session_id"] or job.MISSING


def drawn(participant, candidates):
    """Order other people by the hash of their pair with a person; who else is there changes no order.

    Parameters
    ----------
    participant : str
    candidates : iterable of str
        Participants.

    Returns
    -------
    list of str
    """
    others = [other for other in candidates if other != participant]
    return sorted(others, key=lambda other: hashlib.sha256(f"{participant} {other}".encode()).digest())


def company(ids, everybody, pooled, count):
    """Give the members that a person is crossed with: others as drawn, and the group of all others.

    Parameters
    ----------
    ids : dict
    everybody : People
    pooled : cubnm_core.group.PooledConnectomes or None
        Of everybody.
    count : int
        Most others.

    Returns
    -------
    list of cubnm_core.cross.Member
        Empty where nobody else can be used. Of others with several sessions the one of the same name comes
        in, or else the first.
    """
    known = everybody.units(everybody.is_fitted)
    others = []
    for participant in drawn(ids["participant_id"], known):
        if len(others) == count:
            break
        sessions = known[participant]
        same = [other for other in sessions if other["session_id"] == ids["session_id"]]
        try:
            others.append(everybody.member((same or sessions)[0])[1])
        except InputError:
            continue
    return [*others, group_of_others(ids["participant_id"], everybody, pooled)] if others else []


def group_of_others(participant, everybody, pooled):
    """Average the connectomes and the fitted parameters of all other people; sessions of a person first.

    Returns
    -------
    cubnm_core.cross.Member
        Without targets.
    """
    params = [
        cross.mean_parameters([everybody.params[_key(ids)] for ids in sessions])
        for other, sessions in everybody.units(everybody.is_fitted).items()
        if other != participant
    ]
    records = everybody.connectomes.records, everybody.targets["train"].records
    mine, _ = group_average.part(everybody.units().get(participant, []), *records)
    if mine:
        pooled = without(pooled, group_average.pooled_people(mine, everybody.connectomes))
    weights, lengths = mean_connectome(pooled)
    return cross.Member(
        weights, cross.mean_parameters(params), lengths=lengths if everybody.settings["delays"] else None
    )


def crossed(person, members, settings, hemispheres, seeds, threads):
    """Simulate and score all exchanges of one person; see :func:`cubnm_core.cross.cross`.

    Parameters
    ----------
    person : simulations.Person
        All simulations have the repetition time of this person's scans.
    members : list of cubnm_core.cross.Member
    settings : dict
        Resolved settings of the fit.
    hemispheres : list of str
    seeds : range
    threads : int

    Returns
    -------
    dict
    """
    time = person.repetition_time
    scans = [target for member in members for target in member.targets.values()]
    with_fcd = any(target.binned_fcd is not None for target in scans)
    record = ("fc", "fcd", "state_means") if with_fcd else ("fc", "state_means")
    weight, control = fitted.inhibitory_weight(settings), None
    if weight is not None:
        session = person.ids["session_id"]
        control = cross.Control(weight, fitted.weight_tuner(settings, hemispheres, time, session))
    simulate_batch = simulations.batch_simulator(
        {**settings, "fic": None}, hemispheres, time, record, threads
    )
    size = packing.batch_size(
        simulations.used_backend(settings),
        threads,
        simulations.result_bytes(settings, len(hemispheres), time),
    )
    objective = costs.make_objective(settings)
    return cross.cross(members, simulate_batch, objective, list(seeds), control, size)


def cell_rows(keys, cells, settings, seeds):
    """Make one row per condition and measure, with the settings of the analysis beside every score."""
    stored = evaluate.conditions(settings, seeds)
    return [
        {
            **keys,
            **dict(zip(CONDITIONS, condition, strict=True)),
            "mean": cell.values.mean(),
            "sd": cell.values.std(ddof=1) if len(seeds) > 1 else np.nan,
            "n_pairs": cell.n_pairs,
            "n_seeds": len(seeds),
            "n_failed": cell.n_failed,
            **stored,
        }
        for condition, cell in cells.items()
    ]


if "snakemake" in globals():
    main(snakemake)
