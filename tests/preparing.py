"""The scripts of the preparation, run one after the other in a folder as their rules would."""

from types import SimpleNamespace

from cohorts import LABELS, SHORT_SCANS, labelled, read_tsv

from workflow_scripts.cohort import tables
from workflow_scripts.configuration import bold, configuration, connectome
from workflow_scripts.files import job
from workflow_scripts.preparation import (
    common_nodes,
    empirical_targets,
    prepare_bold,
    prepare_connectome,
    quality_control,
    scale_connectome,
)


class Preparation:
    """One batch of people.

    Parameters
    ----------
    folder : Path
        Where the files go.
    config : dict
        As returned by :func:`workflow_scripts.configuration.configuration.validate`.
    cohort : dict
        As returned by :func:`workflow_scripts.cohort.tables.units`.
    """

    def __init__(self, folder, config, cohort):
        self.folder, self.config, self.cohort = folder, config, cohort
        self.units = [
            {"unit": unit, **{key: found[key] for key in ("participant_id", "session_id")}}
            for unit, found in cohort.items()
        ]
        self.reading = connectome.select_reading(config)
        self.scaling = connectome.select_scaling(config)
        self.scanning = bold.select_preparation(config)
        self.nodes, self.common = folder / "results" / "nodes.tsv", folder / "results" / "common.json"
        self.group = folder / "results" / "average.npz"
        self.twice = {"duplicates": config["bold"]["duplicates"]}
        self.missing = folder / "results" / "missing_nodes.tsv"

    def rows(self, kind):
        """Rows of the manifest of every unit."""
        return {unit: found[kind] for unit, found in self.cohort.items()}

    def archive(self, name):
        """Paths of the two files of an archive."""
        return {ending: self.folder / "results" / f"{name}.{ending}" for ending in ("npz", "json")}

    def run(self, script, inputs, output, split=None, **params):
        """Run a script; return its outputs."""
        output = SimpleNamespace(**output) if isinstance(output, dict) else output
        script.main(
            SimpleNamespace(
                input=SimpleNamespace(**inputs),
                output=output,
                params=SimpleNamespace(units=self.units, **params),
                wildcards=SimpleNamespace(split=split),
                log=[self.folder / "log.txt"],
            )
        )
        return output

    def aligned(self):
        """Connectomes as read."""
        rows = self.rows("connectome")
        nodes = {"nodes": self.config["nodes"]}
        return self.run(prepare_connectome, nodes, self.archive("aligned"), rows=rows, options=self.reading)

    def scans(self):
        """Scans as read."""
        nodes = {"nodes": self.config["nodes"]}
        return self.run(
            prepare_bold, nodes, self.archive("bold"), rows=self.rows("bold"), options=self.scanning
        )

    def decide(self):
        """Nodes of the analysis, after connectomes and scans were read; give what was decided."""
        inputs = {"connectomes": [self.aligned().npz], "scans": [self.scans().npz]}
        output = {"nodes": self.nodes, "missing": self.missing, "json": self.common, "group": self.group}
        inputs["nodes"] = self.config["nodes"]
        largest = self.config["node_policy"]["largest_missing"]
        self.run(common_nodes, inputs, output, largest_missing=largest, connectome=self.scaling, **self.twice)
        return job.read_json(self.common)

    def connectomes(self):
        """Connectomes as they are simulated; run after :meth:`decide`."""
        inputs = {**self.archive("aligned"), "common": self.common, "nodes": self.nodes, "group": self.group}
        return self.run(scale_connectome, inputs, self.archive("connectome"), connectome=self.scaling)

    def targets(self, split="train", holdout="run", needs_fcd=True, analysis=None):
        """Empirical targets; run after :meth:`decide`."""
        inputs = {**self.archive("bold"), "common": self.common, "nodes": self.nodes}
        inputs["all_nodes"] = self.config["nodes"]
        rows = dict.fromkeys(self.cohort, ())
        params = {"holdout": holdout, "needs_fcd": needs_fcd, "rows": rows}
        params["shortest"] = bold.select_lengths(self.config)
        params["analysis"] = {**self.config["analysis"], "band_pass": None, **(analysis or {})}
        return self.run(empirical_targets, inputs, self.archive(f"target_{split}"), split=split, **params)

    def quality(self):
        """The table of quality control; run after connectomes and training targets."""
        inputs = {
            "connectomes": [self.archive("connectome")["npz"]],
            "scans": [self.archive("bold")["npz"]],
            "targets": [self.archive("target_train")["npz"]],
            "common": self.common,
            "missing": self.missing,
            "participants": self.config["participants"],
        }
        output = [self.folder / "results" / "qc.tsv"]
        self.run(quality_control, inputs, output, splits=["train"], limits=self.config["quality"])
        return output[0]


def of_tables(cohort, **sections):
    """Prepare a tiny cohort with some sections of its configuration changed."""
    if "bold" in sections:
        sections["bold"] = {**SHORT_SCANS, **sections["bold"]}
    cohort.config |= sections
    rows = cohort.read()
    config = configuration.validate(
        {**cohort.config, **{name: str(cohort.folder / f"{name}.tsv") for name in ("participants", "nodes")}}
    )
    return Preparation(cohort.folder, config, tables.units(rows, config["connectome"]["source"]))


def rewrite(cohort, person, kind, values, labels=LABELS, run=None):
    """Put other numbers into a file."""
    path = cohort.folder / cohort.row(person, kind, run)["path"]
    path.write_text(labelled(values, labels), encoding="utf-8")


def finished(prepared):
    """Run everything up to the table of quality control; give its rows by participant."""
    decided = prepared.decide()
    prepared.connectomes()
    prepared.targets()
    return decided, {row["participant_id"]: row for row in read_tsv(prepared.quality())}
