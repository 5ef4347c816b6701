"""People as the preparation leaves them: connectome and targets, or why somebody cannot be used."""

import logging
from dataclasses import dataclass, field, replace

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.fitting.candidates import Candidate
from cubnm_core.measures.objective import Target, weighs_only_fcd
from workflow_scripts.cohort.observables import BOLD, OBSERVABLE, observables_of
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration.objectives import observable_terms, wants_scans, weights
from workflow_scripts.files import damage
from workflow_scripts.files.archives import Archive, by_split
from workflow_scripts.files.damage import Damaged
from workflow_scripts.fitting import durations

logger = logging.getLogger(__name__)

# What files of one person that are damaged or contradict each other may raise.
UNREADABLE = (InputError, OSError, *damage.UNREADABLE)
NOT_VALUES = (
    "the FCD is a distribution function, and fcd_ks compares values: weigh fcd_ks_binned in the objective"
)
NO_LENGTHS = (
    "no tract lengths, which conduction delays need: add a row of kind length to the manifest, or leave "
    "delays out"
)


class Excluded(InputError):
    """A unit that was excluded before, or lacks tract lengths or an FCD that are needed.

    Attributes
    ----------
    reasons : list of str
    """

    def __init__(self, reasons):
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, eq=False)
class Person:
    """Prepared files of one unit.

    Attributes
    ----------
    unit : workflow_scripts.cohort.units.Unit
    weights : (N, N) array
        Scaled connectome, as it is simulated.
    targets : dict of str to Target
        By split; only those that are usable.
    repetition_time : float
        In s, of the scans.
    lengths : (N, N) array or None
        Tract lengths in mm, where delays need them.
    without : dict of str to str
        Held-out splits whose target cannot be scored though there is one, and why.
    runs : dict of str to workflow_scripts.fitting.durations.Runs or None
        By split, what the targets were made of.
    duration : float or None
        Of simulations in s, burn-in included; None without settings of a fit.
    """

    unit: Unit
    weights: np.ndarray
    targets: dict
    repetition_time: float
    lengths: np.ndarray | None = None
    without: dict = field(default_factory=dict)
    runs: dict = field(default_factory=dict)
    duration: float | None = None

    def candidate(self, params, seeds):
        """Make a model of the person of parameters (dict of str to float or (N,) array) and noise seeds."""
        return Candidate(self.weights, params, self.targets, seeds, self.lengths)

    def settled(self, settings):
        """Give the person as one is simulated with the settings of a fit; InputError as of `durations`."""
        found = durations.settle(self.targets, self.runs, self.repetition_time, settings)
        return replace(self, targets=found[0], duration=found[1])


class People:
    """Prepared files of some people, read as they are needed.

    Parameters
    ----------
    connectomes, targets : path or sequence of path
        Archives, one per batch; of targets one per batch and split, the split changing fastest.
    splits : sequence of str, optional
        The training split decides whether a unit can be used.
    settings : dict, optional
        Resolved settings of a fit. A unit without the tract lengths or the FCD that they need is excluded; a
        split without what its objective needs is not there.
    """

    def __init__(self, connectomes, targets, splits=("train",), settings=None):
        self.connectomes, self.targets = Archive(connectomes), by_split(targets, splits)
        self._delays = settings is not None and settings["delays"]
        self._settings = settings
        self._objective = {} if settings is None else settings["objective"]
        groups = [] if settings is None else settings["objectives"] or [weights(settings)]
        self._only_fcd = any(weighs_only_fcd(group) for group in groups)
        self._observables = [] if settings is None else observable_terms(settings)
        self._wants_bold = settings is not None and wants_scans([settings])

    def read(self, unit):
        """Read the connectome and the targets of a unit.

        Parameters
        ----------
        unit : Unit

        Returns
        -------
        Person

        Raises
        ------
        Excluded
            If it cannot be used.
        OSError, KeyError, ValueError, ...
            If its files are damaged, one of :data:`UNREADABLE`.
        """
        states = {split: archive.records[unit.name] for split, archive in self.targets.items()}
        reasons = [*_reasons(self.connectomes.records[unit.name]), *_reasons(states["train"])]
        if reasons:
            raise Excluded(list(dict.fromkeys(reasons)))
        arrays = self.connectomes.arrays(unit.name)
        if self._delays and "lengths" not in arrays:
            raise Excluded([NO_LENGTHS])
        usable = {
            split: archive.arrays(unit.name)
            for split, archive in self.targets.items()
            if states[split]["status"] == "ok"
        }
        lacking = {
            split: _lacking(found, states[split], self._objective, self._only_fcd)
            or _lacking_read_outs(found, states[split], self._observables, self._wants_bold)
            for split, found in usable.items()
        }
        if lacking["train"] is not None:
            raise Excluded([lacking["train"]])
        without = {}
        for split in [split for split, reason in lacking.items() if reason is not None]:
            logger.warning("%s is not scored on the split %s: %s", unit, split, lacking[split])
            without[split] = lacking[split]
            del usable[split]
        targets = {}
        for split, found in usable.items():
            try:
                targets[split] = _target(found, states[split])
            except InputError as error:
                if split == "train":
                    raise
                logger.warning("%s is not scored on the split %s: %s", unit, split, error)
                without[split] = str(error)
        person = Person(
            unit=unit,
            weights=simulated_weights(arrays["weights"], self._settings or {}),
            targets=targets,
            repetition_time=states["train"]["repetition_time"],
            lengths=arrays["lengths"] if self._delays else None,
            without=without,
            runs={split: durations.read_runs(states[split], usable[split]) for split in targets},
        )
        try:
            return person if self._settings is None else person.settled(self._settings)
        except InputError as error:
            raise Excluded([str(error)]) from None

    def read_all(self, units):
        """Read everybody who can be used.

        Parameters
        ----------
        units : iterable of Unit

        Returns
        -------
        people : dict of str to Person
            By name of the unit.
        unusable : dict of str to dict
            ``status`` ("excluded", or "failed" where files are damaged) and ``reason`` of all others.
        """
        people, unusable = {}, {}
        for unit in units:
            try:
                people[unit.name] = self.read(unit)
            except Excluded as error:
                unusable[unit.name] = {"status": "excluded", "reason": str(error)}
            except UNREADABLE as error:
                unusable[unit.name] = {"status": "failed", "reason": tell(error)}
        return people, unusable

    def read_usable(self, units):
        """Read everybody who can be used, and log by name who cannot.

        Parameters
        ----------
        units : iterable of Unit

        Returns
        -------
        people : dict of str to Person
            By name of the unit.
        unusable : dict of str to dict
            As of :meth:`read_all`.
        """
        people, unusable = self.read_all(units)
        for name, row in unusable.items():
            logger.warning("%s is left out: %s", name, row["reason"])
        return people, unusable


def simulated_weights(weights, settings):
    """Bring a prepared connectome (N, N) to the scale that a fit asks for, if it asks for one."""
    strongest = settings.get("strongest_weight")
    return weights if strongest is None else weights * (strongest / weights.max())


def _target(arrays, state):
    return Target(
        fc=arrays["fc"],
        fcd=arrays.get("fcd"),
        fcd_cdf=arrays.get("fcd_cdf"),
        weighs_fcd=not state.get("fcd_left_out"),
        observables=observables_of(arrays),
        bold=tuple(values for name, values in arrays.items() if name.startswith(BOLD)),
    )


def _lacking_read_outs(arrays, state, names, wants_bold):
    """Say why a target has not all observables that a cost compares, or no BOLD; None if it has."""
    if wants_bold and not any(name.startswith(BOLD) for name in arrays):
        return "no BOLD, which a term of the cost asks for: it needs scans"
    lacking = [name for name in names if OBSERVABLE + name not in arrays]
    if not lacking:
        return None
    told = [note for note in state.get("notes", []) if note.startswith(f"without {lacking[0]}")]
    return "; ".join(told) or f"no {lacking[0]}, which the cost of this fit compares: it needs scans"


def _lacking(arrays, state, objective, only_fcd):
    """Say why a target has no FCD of the form that an objective weighs; None if it has, or does without."""
    if state.get("fcd_left_out"):
        return f"{state['fcd_left_out']}; the objective weighs nothing but the FCD" if only_fcd else None
    if "fcd" in arrays or not (objective.get("fcd_ks") or objective.get("fcd_ks_binned")):
        return None
    if "fcd_cdf" in arrays:
        return NOT_VALUES if objective.get("fcd_ks") else None
    told = [note for note in state.get("notes", []) if note.startswith("without FCD")]
    return "; ".join(told) or "no FCD, which the objective of this fit weighs"


def _reasons(state):
    """Why a prepared file is not to be used."""
    return [] if state["status"] == "ok" else state["reasons"]


def damaged(unusable):
    """Reasons of those whose files are damaged, by name; exclusions were told by the preparation."""
    return {name: row["reason"] for name, row in unusable.items() if row["status"] == "failed"}


def tell(error):
    """Say why a person cannot be used, from the error of :meth:`People.read`."""
    if isinstance(error, Damaged):
        return f"prepared files are damaged: {error}"
    if isinstance(error, InputError):
        return str(error)
    return (
        f"prepared files are damaged ({type(error).__name__}: {error}); remove the archives of this batch "
        "under results/prepared and results/targets, and start again"
    )
