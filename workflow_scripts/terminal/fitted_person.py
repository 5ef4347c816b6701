"""A fitted person: the connectome, the parameters and every setting of the fit, to be simulated again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cubnm_core import simulate
from cubnm_core.errors import InputError
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration.fit_settings import model_files
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.simulation import MATCH
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import durations
from workflow_scripts.fitting.best_fits import read_parameters
from workflow_scripts.fitting.people import simulated_weights
from workflow_scripts.fitting.simulators import simulation_keywords, without_control

SPLITS = ("train", "test")


def simulate_person(results, unit, fit, **changes):
    """Simulate a fitted person.

    Parameters
    ----------
    results : path
        Folder of results of a finished workflow.
    unit : str
        Such as ``sub-01`` or ``sub-01_ses-a``.
    fit : str
        Name of a fit setting.
    **changes
        Keywords of :func:`cubnm_core.simulate` that are to differ from those of the fit, such as ``seed``,
        ``duration`` (s), ``record`` or ``state_period`` (s).

    Returns
    -------
    cubnm_core.Simulation
        Of one simulation, with the burn-in that the fit had.

    Raises
    ------
    InputError
        If there is no such fit, or the person was not fitted.
    """
    person = fitted_person(results, unit, fit)
    return person.simulate(person.weights, **changes)


@dataclass(frozen=True, eq=False)
class FittedPerson:
    """A fitted person, to be simulated again.

    Attributes
    ----------
    model : str
    weights : (N, N) array
    params : dict of str to float or (1, N) array
    keywords : dict
        Of :func:`cubnm_core.simulate`, those of the fit.
    """

    model: str
    weights: np.ndarray
    params: dict
    keywords: dict

    @property
    def hemispheres(self):
        """Of every region."""
        return self.keywords["hemispheres"]

    @property
    def interhemispheric(self):
        """Whether FC has pairs between hemispheres."""
        return self.keywords.get("interhemispheric", True)

    def simulate(self, weights, **changes):
        """Simulate with these weights (N, N), and keywords that differ from those of the fit."""
        return simulate(self.model, weights, self.params, **{**self.keywords, **changes})


def fitted_person(results, unit, fit):
    """Read a fitted person; see `simulate_person`."""
    results = Path(results)
    stored = _provenance(results)
    settings = stored["fits"].get(fit)
    if settings is None:
        raise InputError(f"{results}: no fit {fit!r}{suggestion(fit, stored['fits'])}")
    if model_files(settings):  # their paths are relative to the folder where the workflow ran
        settings = {**settings, "model": str(results.parent / settings["model"])}
    params = fitted_parameters(results, unit, fit)
    batch = next(name for name, units in stored["batches"].items() if unit in units)
    scans = read_scans(results, batch, unit)
    repetition_time = scans["train"]["repetition_time"]
    settings = with_duration(settings, scans.values())
    connectome = Archive(results / "prepared" / f"batch-{batch}_connectome.npz").arrays(unit)
    return FittedPerson(
        model=settings["model"],
        weights=simulated_weights(connectome["weights"], settings),
        params={name: value[None] if np.ndim(value) else value for name, value in params.items()},
        keywords={
            "hemispheres": stored["hemispheres"],
            "lengths": connectome["lengths"] if settings["delays"] else None,
            **simulation_keywords(without_control(settings, params), repetition_time),
        },
    )


def read_scans(results, batch, unit):
    """Give what is stored about the targets of a unit: dict of split to record, of those that were made."""
    paths = {split: results / "targets" / f"batch-{batch}_split-{split}_target.json" for split in SPLITS}
    records = {split: Archive(path).records[unit] for split, path in paths.items() if path.exists()}
    return {split: record for split, record in records.items() if record["status"] == "ok"}


def with_duration(settings, records):
    """Settle how long a person is simulated in the evaluation, where that follows from the scans."""
    simulation = settings["simulation"]
    if simulation["duration"] != MATCH:
        return settings
    runs = [durations.read_runs(record, {}) for record in records]
    time = next(iter(records))["repetition_time"]
    seconds = durations.duration_of(durations.matched_volumes(runs), simulation["burn_in"], time)
    return {**settings, "simulation": {**simulation, "duration": seconds}}


def _provenance(results):
    """Read what the workflow left about its settings when it had finished."""
    path = results / "cohort" / "provenance.json"
    if not path.is_file():
        raise InputError(
            f"{path} is not there: name the folder of results of a workflow that has finished, which is "
            "results/ in the folder where it ran"
        )
    return job.read_json(path)


def fitted_parameters(results, unit, fit):
    """Give the parameters of the best fit of a unit, a dict of str to float or (N,) array."""
    cohort = Path(results) / "cohort"
    best = read_parameters(cohort / "fits.tsv", cohort / "regional_parameters.tsv", fit)
    known = {Unit.from_key(key).name: params for key, params in best.items()}
    params = known.get(unit)
    if params is None:
        raise InputError(f"{results}: {unit!r} has no fit {fit!r}{suggestion(unit, known)}")
    return params
