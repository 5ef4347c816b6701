"""A few people as the preparation leaves them, for tests of the scripts that come after it."""

from copy import deepcopy
from types import SimpleNamespace

import numpy as np

from workflow_scripts.cohort import tables, units
from workflow_scripts.files import job
from workflow_scripts.fitting.fit_problems import make_problems
from workflow_scripts.fitting.people import People
from workflow_scripts.fitting.simulators import CohortSimulator

N_NODES = 8
SETTINGS = {
    "model": "rWW",
    "fic": {"method": "analytical"},
    "delays": False,
    "free": {"G": [0.5, 3.0], "w_p": [0.2, 2.0]},
    "fixed": {"J_N": 0.15},
    "objective": {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5},
    "optimizer": {
        "name": "cmaes", "population": 5, "generations": 3, "restarts": 2, "sigma": 0.5, "tolerance": 5e-3,
        "patience": None, "initial": {}, "options": {}, "shape": {}, "seed": 1,
    },
    "objectives": [],
    "constraints": {},
    "noise_seed": 0,
    "replicates": 1,
    "retest": None,
    "start": None,
    "simulation": {
        "duration": 45.0, "burn_in": 5.0, "dt": 5e-3, "hemodynamic_dt": 1e-2, "hemodynamics": "cubnm-1.5T",
        "scheme": "euler_maruyama", "precision": "single", "backend": "auto",
    },
    "analysis": {
        "pairs": "all", "window": 10.0, "window_step": 2.0, "edges": "drop", "censored_share": 0.5,
        "band_pass": None,
    },
    "rate_limits": [2.0, 4.0],
    "terms": {},
    "maps": None,
}  # fmt: skip
N_WINDOWS = 15  # complete windows of 11 volumes, 2 apart, in 40


class PreparedCohort:
    """Prepared connectomes and targets in a folder, and the object that Snakemake would give to a script.

    Parameters
    ----------
    folder : Path
        Must be the working directory.
    people : sequence of str
    """

    def __init__(self, folder, people=("01", "02", "03")):
        self.folder = folder
        self.settings = deepcopy(SETTINGS)
        self.splits = ["train", "test"]
        self.units = [
            {"unit": f"sub-{person}", "participant_id": person, "session_id": ""} for person in people
        ]
        self.batches = {f"{number:03d}": [ids["unit"]] for number, ids in enumerate(self.units, start=1)}
        nodes = [{"index": i, "label": f"n{i}", "hemisphere": "LR"[i // 4]} for i in range(N_NODES)]
        job.write_tsv(folder / "nodes.tsv", nodes)
        for number, ids in enumerate(self.units):
            self._write(ids, np.random.default_rng(number))

    def _write(self, ids, generator):
        unit = ids["unit"]
        weights = np.triu(generator.lognormal(size=(N_NODES, N_NODES)), 1)
        weights = (weights + weights.T) * 0.1
        lengths = generator.uniform(20.0, 150.0, (N_NODES, N_NODES))
        self.write_connectome(unit, weights=weights, lengths=lengths * (weights > 0))
        record = {**ids, "status": "ok", "reasons": []}
        job.write_json(self.connectome(unit).with_suffix(".json"), {unit: record})
        for split in self.splits:
            fc = np.tanh(weights[np.tril_indices(N_NODES, -1)] + 0.1 * generator.standard_normal(28))
            fcd = generator.uniform(0.0, 0.5, N_WINDOWS * (N_WINDOWS - 1) // 2)
            self.write_target(unit, split, fc=fc, fcd=fcd)
            self.state(unit, split, status="ok", reasons=[], repetition_time=1.0)

    @property
    def simulator(self):
        """What the rules simulate with."""
        return CohortSimulator(self.settings, tables.read_nodes(self.folder / "nodes.tsv"), 2)

    def read(self):
        """Read everybody as rule fit does: people, and the rows of those who cannot be used."""
        files = self.sm("fit").input
        people = People(files.connectomes, files.targets, settings=self.settings)
        return people.read_all(units.from_records(self.units))

    def marks(self):
        """Fingerprints of all searches, by key."""
        _, histories = make_problems(self.read()[0], self.simulator)
        return {key: history.fingerprint for key, history in histories.items()}

    def state(self, unit, split, **entries):
        """Write what is known about a target."""
        record = {"unit": unit, "split": split, **entries}
        job.write_json(self.target(unit, split).with_suffix(".json"), {unit: record})

    def write_connectome(self, unit, **arrays):
        """Write the arrays of a prepared connectome."""
        job.write_npz(self.connectome(unit), **{f"{unit}/{name}": found for name, found in arrays.items()})

    def write_target(self, unit, split, **arrays):
        """Write the arrays of a target."""
        job.write_npz(self.target(unit, split), **{f"{unit}/{name}": found for name, found in arrays.items()})

    def connectome(self, unit):
        """Path of the archive with the connectome of a unit."""
        return self.folder / "results" / "prepared" / f"batch-{self.batch(unit)}_connectome.npz"

    def target(self, unit, split):
        """Path of the archive with a target of a unit."""
        return self.folder / "results" / "targets" / f"batch-{self.batch(unit)}_split-{split}_target.npz"

    def batch(self, unit):
        """Batch in which a unit was prepared: everybody in one alone."""
        return next(name for name, units in self.batches.items() if unit in units)

    def sm(self, rule, **params):
        """Give the object that a script gets."""
        splits = ["train"] if rule == "fit" else self.splits
        names = [ids["unit"] for ids in self.units]
        fits, evaluation = "results/fits/homogeneous/batch-001", "results/evaluation/homogeneous/batch-001"
        outputs = {
            "fit": {
                "fits": f"{fits}_fits.tsv",
                "convergence": f"{fits}_convergence.tsv",
                "front": f"{fits}_front.tsv",
                "landscape": f"{fits}_landscape.npz",
            },
            "evaluate": {
                "evaluation": f"{evaluation}_evaluation.tsv",
                "states": f"{evaluation}_states.tsv",
                "regional_parameters": f"{evaluation}_regional_parameters.tsv",
                "simulations": f"{evaluation}_simulations.npz",
            },
        }
        return SimpleNamespace(
            input=SimpleNamespace(
                connectomes=[str(self.connectome(name)) for name in names],
                targets=[str(self.target(name, split)) for name in names for split in splits],
                nodes=str(self.folder / "nodes.tsv"),
                fits=outputs["fit"]["fits"],
            ),
            output=SimpleNamespace(**outputs[rule]),
            params=SimpleNamespace(units=self.units, settings=self.settings, splits=splits, **params),
            wildcards=SimpleNamespace(fit="homogeneous", batch="001"),
            resources=SimpleNamespace(runtime=60, histories="results/histories", other_device="warn"),
            log=[f"logs/{rule}.log"],
            threads=2,
        )
