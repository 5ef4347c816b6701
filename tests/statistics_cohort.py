"""Tables of a cohort whose groups differ in one parameter and one state, as other rules would leave them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from workflow_scripts.configuration.schemas import complete, schema
from workflow_scripts.files import job
from workflow_scripts.files.result_tables import read_table
from workflow_scripts.statistics import statistics

NODES = 24
DIFFERENCE = 0.5  # in G, patients less controls
SETTINGS = {"free": {"G": [0.0, 5.0], "w_p": [0.0, 2.0]}, "fixed": {}, "terms": {}, "maps": None}


class Given(dict):
    """Inputs or outputs of a rule, by name or as attributes."""

    __getattr__ = dict.__getitem__


def unit_of(row):
    return f"sub-{row['participant_id']}" + (f"_ses-{row['session_id']}" if row["session_id"] else "")


class MadeStatistics:
    """People of two groups with age, sex and site; every attribute may be changed before :meth:`run`.

    Attributes
    ----------
    people : pandas.DataFrame
        Participants table.
    units : list of dict
    fits, evaluation, states, qc, nodes : pandas.DataFrame
    """

    def __init__(self, folder, n=40, sessions=("",), seed=1):
        self.folder, self.rng = folder, np.random.default_rng(seed)
        ids = [f"{number:03d}" for number in range(n)]
        self.people = pd.DataFrame(
            {
                "participant_id": [f"sub-{name}" for name in ids],
                "age": self.rng.normal(40, 10, n).round(1),
                "sex": self.rng.permutation(["F", "M"] * (n // 2)),
                "group": ["control", "patient"] * (n // 2),
                "site": self.rng.permutation(["a", "b", "b", "c"] * (n // 4)),
            }
        )
        self.units = [{"participant_id": name, "session_id": session} for name in ids for session in sessions]
        self.units = [{"unit": unit_of(row), **row} for row in self.units]
        ids = pd.DataFrame(self.units)[["participant_id", "session_id"]]
        self.patient = (ids["participant_id"].astype(int) % 2).to_numpy()
        count = len(ids)
        values = {"G": self.rng.normal(2.0, 0.3, count) + DIFFERENCE * self.patient}
        values["w_p"] = self.rng.normal(1.0, 0.2, count)
        self.fits = ids.assign(
            fit="one",
            restart=0,
            status="ok",
            selected=True,
            at_bounds="n/a",
            **{f"param_{name}": column for name, column in values.items()},
        )
        self.evaluation = pd.concat(
            [
                ids.assign(fit="one", split=split, measure="fc_corr", mean=self.rng.uniform(0.2, 0.5, count))
                for split in ("train", "test")
            ]
        )
        self.nodes = pd.DataFrame(
            {
                "index": range(NODES),
                "label": [f"node_{number}" for number in range(NODES)],
                "hemisphere": ["L", "R"] * (NODES // 2),
                **dict(zip("xyz", self.rng.normal(0, 40, (3, NODES)), strict=True)),
                "slope": np.linspace(0, 1, NODES),
            }
        )
        self.states = pd.concat([self.state("S_E", 0.02, ids), self.state("r_E", 0.0, ids)])
        self.qc = ids.assign(mean_fd=self.rng.uniform(0.1, 0.4, count), raw_sum=1e5, scale_factor=1e-6)
        self.maps = None
        self.settings = SETTINGS

    def state(self, variable, difference, ids):
        """Rows of one state: it rises along the map `slope`, and in patients the more the further."""
        slope = np.linspace(0, 1, NODES)
        noise = self.rng.normal(0, 0.01, (len(ids), NODES))
        values = 0.2 + 0.1 * slope + difference * np.outer(self.patient, slope) + noise
        rows = ids.loc[ids.index.repeat(NODES)].reset_index(drop=True)
        labels = np.tile(self.nodes["label"], len(ids))
        return rows.assign(fit="one", label=labels, variable=variable, mean=values.ravel(), sd=0.0, unit="1")

    def add_fit(self, name):
        """Add a fit with the same results under another name."""
        for table in ("fits", "evaluation", "states"):
            rows = getattr(self, table)
            setattr(self, table, pd.concat([rows, rows[rows["fit"] == "one"].assign(fit=name)]))

    def run(self, models=None, **settings):
        """Write everything, run the script, read what it wrote: statistics, models, maps."""
        names = ("fits", "evaluation", "states", "qc", "nodes")
        paths = {name: str(self.folder / f"{name}.tsv") for name in names}
        for name, path in paths.items():
            job.write_tsv(path, getattr(self, name))
        paths["participants"] = str(self.folder / "participants.tsv")
        job.write_tsv(paths["participants"], self.people)
        chosen = {"models": models, "permutations": 199, "spins": 99, **settings}
        complete(chosen, schema("config")["properties"]["statistics"])
        names = {
            "statistics": "statistics",
            "models": "statistics_models",
            "map_association": "map_association",
        }
        output = Given({key: str(self.folder / f"{name}.tsv") for key, name in names.items()})
        fits = dict.fromkeys(self.fits["fit"].unique(), self.settings)
        params = SimpleNamespace(units=self.units, fits=fits, statistics=chosen, split="test", maps=self.maps)
        job_of_rule = SimpleNamespace(input=Given(paths), output=output, params=params, log=[], threads=1)
        statistics.main(job_of_rule)
        return [read_table(path) for path in output.values()]
