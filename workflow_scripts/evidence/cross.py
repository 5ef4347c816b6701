"""Rule cross: exchange parameters, connectomes and scans between people, and score what comes of it.

Nothing is fitted again. `cubnm_core.evidence.cross` says what is exchanged, and what becomes of inhibitory
weights.
"""

import hashlib
from collections import defaultdict
from dataclasses import replace

import numpy as np

from cubnm_core.connectomes.group import mean_connectome, without
from cubnm_core.errors import InputError
from cubnm_core.evidence import cross
from workflow_scripts.cohort import noise_seeds, units
from workflow_scripts.evidence.score_tables import CONDITIONS, CROSS
from workflow_scripts.files import job
from workflow_scripts.fitting import best_fits, scoring
from workflow_scripts.fitting.durations import settle_together
from workflow_scripts.fitting.people import UNREADABLE, People, tell
from workflow_scripts.fitting.simulators import CohortSimulator, recorded
from workflow_scripts.preparation import group

LOOKED_ON = 20  # people with the same connectome after whom nobody with another one is looked for


def main(sm):
    """Cross every fitted person of a batch with others and write one row per condition and measure."""
    logger = job.start(sm)
    files, settings, fit, splits = sm.input, sm.params.settings, sm.wildcards.fit, sm.params.splits
    own = Members(
        People(files.connectomes, files.targets, splits, settings),
        best_fits.read_parameters(files.fits, files.regional_parameters, fit),
    )
    everybody = Members(
        People(files.people, files.scans, splits, settings),
        best_fits.read_parameters(files.all_fits, files.all_regional_parameters, fit),
    )
    pooled, simulator = group.read_sums(files.group), CohortSimulator.of_job(sm)
    rows = []
    for unit in units.from_records(sm.params.units):
        seeds = noise_seeds.range_of_session(sm.params.first_seed, sm.params.seeds, unit.session_id)
        try:
            person, me = own.read(unit)
            others = choose_others(unit, me, everybody, sm.params.others)
            if others:
                mean = group_of_others(unit.participant_id, everybody, pooled, settings["delays"])
                others.append((None, mean))
            members, duration = side_by_side([(person, me), *others], settings)
            cells = cross_person(person, members, simulator.lasting(duration), seeds)
            if not cells:
                raise InputError("there is nothing to exchange: nobody else has a fit")
        except InputError as error:
            logger.warning("%s is not crossed with others: %s", unit, error)
            if own.has_fit(unit):
                rows += scoring.missing_rows({**unit.ids, "fit": fit}, {"train": str(error)}, settings)
            continue
        rows += cell_rows({**unit.ids, "fit": fit}, cells, settings, seeds)
        logger.info("%s: crossed with %d other people", unit, max(len(members) - 2, 0))
    job.write_tsv(sm.output[0], rows, columns=CROSS)


class Members:
    """What people bring to the cross, read as it is needed.

    Parameters
    ----------
    people : workflow_scripts.fitting.people.People
    params : dict of (participant_id, session_id) to dict of str to float or (N,) array
        Of everybody who was fitted, by :attr:`Unit.key`.
    """

    def __init__(self, people, params):
        names = {name for values in params.values() for name in values}
        self.people, self._fitted = people, set(params)
        # Inhibitory weights of whoever could not be evaluated are not known.
        self.params = {key: values for key, values in params.items() if set(values) == names}

    def units(self, usable=lambda unit: True):
        """Units by participant, in the order of the archives."""
        found = defaultdict(list)
        for record in self.people.connectomes.records.values():
            unit = units.Unit.from_record(record)
            if usable(unit):
                found[unit.participant_id].append(unit)
        return found

    def has_fit(self, unit):
        """Whether a unit was fitted, even if not all of its parameters are known."""
        return unit.key in self._fitted

    def is_fitted(self, unit):
        """Whether a unit has all parameters."""
        return unit.key in self.params

    def read(self, unit):
        """Read a unit: (workflow_scripts.fitting.people.Person, cubnm_core.evidence.cross.Member).

        Raises
        ------
        InputError
            If it has no fit, or its files cannot be used.
        """
        if not self.has_fit(unit):
            raise InputError(f"{unit} has no fit")
        if not self.is_fitted(unit):
            raise InputError(f"{unit} could not be evaluated, so that not all of its parameters are known")
        try:
            person = self.people.read(unit)
        except UNREADABLE as error:
            raise InputError(tell(error)) from error
        return person, cross.Member(person.weights, self.params[unit.key], person.targets, person.lengths)


def order_others(participant, candidates):
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


def choose_others(unit, me, everybody, count):
    """Choose the people that a person is crossed with, as drawn.

    Those with the person's own connectome come in only where nobody with another one does: exchanging a
    connectome for itself says nothing.

    Parameters
    ----------
    unit : workflow_scripts.cohort.units.Unit
    me : cubnm_core.evidence.cross.Member
    everybody : Members
    count : int
        Most others.

    Returns
    -------
    list of (workflow_scripts.fitting.people.Person, cubnm_core.evidence.cross.Member)
        Empty where nobody else can be used. Of others with several sessions the one of the same name comes
        in, or else the first.
    """
    known = everybody.units(everybody.is_fitted)
    others, alike = [], []
    for participant in order_others(unit.participant_id, known):
        if len(others) == count or len(alike) == count + LOOKED_ON:
            break
        sessions = known[participant]
        same = [other for other in sessions if other.session_id == unit.session_id]
        try:
            found = everybody.read((same or sessions)[0])
        except InputError:  # told where it is that person's turn
            continue
        (alike if np.array_equal(found[1].weights, me.weights) else others).append(found)
    return others or alike[:count]


def side_by_side(company, settings):
    """Settle what is compared with which part of simulations that are as long as the longest scans need.

    Parameters
    ----------
    company : list of (workflow_scripts.fitting.people.Person or None, cubnm_core.evidence.cross.Member)
        The person that is crossed first.
    settings : dict
        Resolved settings of the fit.

    Returns
    -------
    members : list of cubnm_core.evidence.cross.Member
    duration : float
        Of the simulations in s, burn-in included.
    """
    people = [person for person, _ in company if person is not None]
    targets, duration = settle_together(people, people[0].repetition_time, settings)
    found = {person.unit: mine for person, mine in zip(people, targets, strict=True)}
    members = [
        member if person is None else replace(member, targets=found[person.unit])
        for person, member in company
    ]
    return members, duration


def group_of_others(participant, everybody, pooled, delays=False):
    """Average the connectomes and the fitted parameters of all other people; sessions of a person first.

    Returns
    -------
    cubnm_core.evidence.cross.Member
        Without targets.
    """
    params = [
        cross.mean_parameters([everybody.params[unit.key] for unit in sessions])
        for other, sessions in everybody.units(everybody.is_fitted).items()
        if other != participant
    ]
    archives = everybody.people
    records = archives.connectomes.records, archives.targets["train"].records
    mine, _ = group.part(everybody.units().get(participant, []), *records)
    if mine:
        pooled = without(pooled, group.pool_people(mine, archives.connectomes))
    weights, lengths = mean_connectome(pooled)
    return cross.Member(weights, cross.mean_parameters(params), lengths=lengths if delays else None)


def cross_person(person, members, simulator, seeds):
    """Simulate and score all exchanges of one person; see :func:`cubnm_core.evidence.cross.cross`.

    Parameters
    ----------
    person : workflow_scripts.fitting.people.Person
        All simulations have the repetition time of this person's scans.
    members : list of cubnm_core.evidence.cross.Member
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    seeds : range

    Returns
    -------
    dict
    """
    scans = [target for member in members for target in member.targets.values()]
    with_fcd = any(target.binned_fcd is not None for target in scans)
    record = ("fc", "fcd", "state_means") if with_fcd else ("fc", "state_means")
    tuner = simulator.tuner(person.repetition_time, person.unit.session_id)
    packer = simulator.packer(person.repetition_time, simulator.scored(recorded(record, scans)))
    return cross.cross(members, packer, simulator.objective, list(seeds), tuner)


def cell_rows(keys, cells, settings, seeds):
    """Make one row per condition and measure, with the settings of the analysis beside every score."""
    stored = scoring.conditions(settings, seeds)
    return [
        {
            **keys,
            **dict(zip(CONDITIONS, condition, strict=True)),
            "mean": cell.values.mean(),
            "sd": cell.values.std(ddof=1) if cell.values.size > 1 else np.nan,
            "n_pairs": cell.n_pairs,
            "n_seeds": len(seeds),
            "n_failed": cell.n_failed,
            **stored,
        }
        for condition, cell in cells.items()
    ]


if "snakemake" in globals():
    main(snakemake)
