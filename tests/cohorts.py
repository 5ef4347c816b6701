"""Tiny cohorts on disk, to be spoilt by tests."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import yaml

from workflow_scripts.cohort import table_checks
from workflow_scripts.configuration.configuration import validate
from workflow_scripts.configuration.schemas import schema
from workflow_scripts.files.archives import Archive
from workflow_scripts.files.job import read_json, write_json, write_npz, write_tsv

LABELS = ("LH_Vis_1", "LH_SomMot_1", "LH_Cont_1", "RH_Vis_1", "RH_SomMot_1", "RH_Cont_1")
REPETITION_TIME = 0.8
# Scans of tests last seconds, so that tests do.
SHORT_SCANS = {"shortest_scan": None, "shortest_fcd": None}
# All of the evidence, and little of each, because every test of a whole workflow pays for it.
LITTLE_EVIDENCE = {
    "seeds": 2,
    "others": 1,
    "cross_seeds": 2,
    "folds": 2,
    "nulls": {"count": 1},
    "profile": {"points": 5, "seeds": 1, "people": 2},
}


class TinyCohort:
    """Tables and files of a few people; attributes may be changed before :meth:`write`.

    Attributes
    ----------
    folder : Path
        Working directory of the workflow.
    manifest, participants, nodes : list of dict
        Rows of the tables.
    config : dict
        A minimal configuration that names them.
    """

    def __init__(self, folder, participants=("01", "02", "03"), volumes=150):
        self.folder = folder
        self.participants = [{"participant_id": person, "group": "a"} for person in participants]
        self.nodes = [
            {"index": index, "label": label, "hemisphere": label[0]} for index, label in enumerate(LABELS)
        ]
        self.manifest = []
        generator = np.random.default_rng(7)
        for seed, person in enumerate(participants):
            self.add(person, "sc", labelled(symmetric(seed)))
            for run, role in (("1", "train"), ("2", "test")):
                scan = {"run_id": run, "role": role, "repetition_time": REPETITION_TIME}
                self.add(person, "bold", labelled(smooth_noise(generator, volumes)), **scan)
        self.config = {
            "manifest": "manifest.tsv",
            "participants": "participants.tsv",
            "nodes": "nodes.tsv",
            "bold": {"hemodynamics": "cubnm-3T", **SHORT_SCANS},
            "holdout": "run",
            "simulation": {"duration": 120.0, "burn_in": 20.0, "dt": 1.0e-3},
            "fits": {
                "homogeneous": {
                    "fic": "analytical",
                    "free": {"G": [0.5, 5.0], "w_p": [0.2, 2.0]},
                    "optimizer": {"population": 4, "generations": 2},
                }
            },
        }
        self.write()

    def add(self, person, kind, text, **columns):
        """Write a text file and add its row to the manifest."""
        run = f"_run-{columns['run_id']}" if "run_id" in columns else ""
        path = f"sub-{person}{run}_{kind}.tsv"
        (self.folder / path).write_text(text, encoding="utf-8")
        self.manifest.append(
            {"participant_id": person, "kind": kind, "path": path, "format": "tsv", **columns}
        )

    def row(self, person, kind, run=None):
        """Find a row of the manifest."""
        wanted = (person, kind, run)
        return next(r for r in self.manifest if (r["participant_id"], r["kind"], r.get("run_id")) == wanted)

    def write(self):
        """Write the tables and the configuration, and return the path of the latter."""
        write_tsv(self.folder / "manifest.tsv", self.manifest, columns=schema("manifest")["properties"])
        write_tsv(self.folder / "participants.tsv", self.participants)
        write_tsv(self.folder / "nodes.tsv", self.nodes)
        path = self.folder / "tiny.yaml"
        path.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        return path

    def read(self):
        """Write, validate and read the tables as the workflow does, with paths of this folder."""
        self.write()
        config = {**self.config}
        for name in ("manifest", "participants", "nodes"):
            config[name] = str(self.folder / config[name])
        return table_checks.read_tables(validate(config))


def labelled(values, labels=LABELS):
    """Give a text matrix with names of columns."""
    lines = ["\t".join(labels), *("\t".join(map(repr, row)) for row in np.asarray(values).tolist())]
    return "\n".join(lines) + "\n"


def symmetric(seed=3):
    """Draw a symmetric matrix of positive weights without a diagonal."""
    weights = np.triu(np.random.default_rng(seed).lognormal(size=(len(LABELS), len(LABELS))), 1)
    return weights + weights.T


def smooth_noise(generator, volumes):
    """Draw time series with some correlation in time and between nodes."""
    white = generator.standard_normal((volumes, len(LABELS))) + 0.5 * generator.standard_normal((volumes, 1))
    return np.cumsum(white, axis=0) * 0.3 + white


def alone(output, unit):
    """Take the files of one person out of the archive of a batch, and return their paths."""
    archive = Archive(output.npz)
    single = SimpleNamespace(
        **{ending: output.npz.with_name(f"{unit}_{output.npz.stem}.{ending}") for ending in ("npz", "json")}
    )
    write_npz(single.npz, **archive.arrays(unit))
    write_json(single.json, archive.records[unit])
    return single


def read_record(path):
    """Read the status and the reasons of a prepared file."""
    record = read_json(path)
    return record["status"], " | ".join(record["reasons"])


def read_tsv(path):
    """Read a table as text."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def write_sidecar(path, **entries):
    """Write the JSON file beside a scan."""
    path.with_suffix(".json").write_text(json.dumps(entries), encoding="utf-8")
