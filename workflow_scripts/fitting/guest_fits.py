"""Packs shared by fits: a job with places to spare advances other fits of its batch, which go on from there.

The histories are all that passes between the jobs; see :mod:`workflow_scripts.fitting.claims` for who may
write them.
"""

import logging
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from cubnm_core.errors import InputError
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import claims, simulators
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.histories import GuestStore

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
def shared(sm, people, nodes, space):
    """Hold the histories of a job's fit while it runs, and find the fits that may share its packs.

    Parameters
    ----------
    sm : object
        What Snakemake gives to the script.
    people : dict of str to simulations.Person
        As the fit reads them.
    nodes : list of dict
        Rows of the node table.
    space : cubnm_core.fitting.search_space.SearchSpace
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
            prepare = partial(_prepared, sm, name, settings, people, nodes, space)
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
    keywords = simulators.simulation_keywords(settings, None)
    return settings["model"], settings["delays"], settings["terms"], keywords


def _prepared(sm, name, settings, people, nodes, space):
    """Problems and store of another fit of the same people."""
    others = search_space(settings, nodes)
    if set(others.parameter_names) != set(space.parameter_names):
        raise InputError(f"{name} states other parameters")
    connectomes, targets = Archive(sm.input.connectomes), {"train": Archive(sm.input.targets)}
    mine = {}
    for unit, person in people.items():
        read = simulators.read_person(
            person.ids, connectomes, targets, settings["delays"], settings["objective"]
        )
        if isinstance(read, simulators.Person):  # one array for both fits, so that they share tiles
            mine[unit] = replace(read, weights=person.weights, lengths=person.lengths)
    hemispheres = [node["hemisphere"] for node in nodes]
    problems, histories = make_problems(mine, settings, others, hemispheres)
    LOGGER.info("%d searches of the fit %s take places that are free in the packs", len(problems), name)
    return problems, GuestStore(Path(sm.resources.histories) / name, histories)
