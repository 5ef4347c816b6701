"""Packs shared by fits: a job with places to spare advances other fits of its batch, which go on from there.

The histories are all that passes between the jobs; see :mod:`workflow_scripts.fitting.claims` for who may
write them.
"""

import logging
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from cubnm_core.errors import InputError
from workflow_scripts.fitting import claims
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.histories import GuestStore
from workflow_scripts.fitting.people import Excluded, People
from workflow_scripts.fitting.simulators import CohortSimulator, simulation_keywords

LOGGER = logging.getLogger(__name__)


class Guests:
    """The searches of another fit in the packs of this job; see :func:`cubnm_core.fitting.run.run_fits`.

    Parameters
    ----------
    claim : claims.Claim
    prepare : callable
        Gives the problems and the store.
    """

    def __init__(self, claim, prepare):
        self._claim, self._prepare = claim, prepare
        self.problems = self.store = None

    def is_welcome(self):
        """Whether they may take part in one more pack; what they need is read the first time."""
        if self.store is None:
            return self._come()
        if self._claim.is_wanted:
            self.leave()
            return False
        return True

    def _come(self):
        if not self._claim.borrow():
            return False
        try:
            self.problems, self.store = self._prepare()
        except Exception as error:  # whatever is wrong with it, its own job will say so
            LOGGER.info("Another fit cannot share the packs: %s", error)
            self.leave()
            return False
        return True

    def leave(self):
        """Leave their histories to others."""
        self._claim.release()


@contextmanager
def share_packs(sm, people, simulator):
    """Hold the histories of a job's fit while it runs, and find the fits that may share its packs.

    Parameters
    ----------
    sm : object
        What Snakemake gives to the script.
    people : dict of str to workflow_scripts.fitting.people.Person
        As the fit reads them.
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
        Of the fit.

    Yields
    ------
    list of Guests
        None where the histories lie on no local disk, a scheduler runs the jobs, or the setting says so.
    """
    folder = sm.resources.histories
    shares = getattr(sm.resources, "shares", False)  # not all rules that fit do
    if not shares or not claims.allowed(folder):
        yield []
        return
    batch = sm.wildcards.batch
    own, guests = claims.Claim(folder, sm.wildcards.fit, batch), []
    own.take()
    try:
        for name, settings in _beside(sm).items():
            prepare = partial(_prepare, sm, name, settings, people, simulator)
            guests.append(Guests(claims.Claim(folder, name, batch), prepare))
        yield guests
    finally:
        own.release()
        for guest in guests:
            guest.leave()


def _beside(sm):
    """Settings of the other fits, not made yet, whose simulations can stand in one call with its own.

    Fits that start from others are none of them.
    """
    fits, table = claims.read(sm.resources.histories), Path(sm.output.fits)
    own = fits.pop(sm.wildcards.fit, None)
    return {
        name: settings
        for name, settings in fits.items()
        if own is not None
        and settings["start"] is None
        and _of_a_call(settings) == _of_a_call(own)
        and not (table.parents[1] / name / table.name).exists()
    }


def _of_a_call(settings):
    """What is the same for all simulations of a call, but for the repetition time."""
    keywords = simulation_keywords(settings, None)
    later = [settings.get(name) for name in ("search_steps", "strongest_weight", "method", "flagged")]
    return settings["model"], settings["delays"], settings["terms"], keywords, *later


def _prepare(sm, name, settings, people, simulator):
    """Problems and store of another fit of the same people."""
    other = CohortSimulator(settings, simulator.nodes, simulator.threads)
    if set(other.space.parameter_names) != set(simulator.space.parameter_names):
        raise InputError(f"{name} states other parameters")
    theirs = People(sm.input.connectomes, sm.input.targets, settings=settings)
    mine = {}
    for unit, person in people.items():
        with suppress(Excluded):  # one array for both fits, so that they share tiles
            read = theirs.read(person.unit)
            mine[unit] = replace(read, weights=person.weights, lengths=person.lengths)
    problems, histories = make_problems(mine, other)
    LOGGER.info("%d searches of the fit %s take places that are free in the packs", len(problems), name)
    return list(problems.values()), GuestStore(Path(sm.resources.histories) / name, histories)
