"""Rule export: prepared data and fitted models of every person as a BIDS derivative."""

from pathlib import Path

import numpy as np

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices
from workflow_scripts.cohort import tables
from workflow_scripts.cohort.units import IDS
from workflow_scripts.export import bids
from workflow_scripts.export.exported_models import write_models
from workflow_scripts.files import dictionary, job
from workflow_scripts.files.archives import Archive, by_split
from workflow_scripts.files.damage import DamagedArray
from workflow_scripts.files.result_tables import filled, read_texts

TABLES = ("fits", "evaluation", "states", "regional_parameters")
# Array of the archive: kind of its sources, value of the entity meas, what the matrix holds.
CONNECTOMES = {
    "weights": (
        "sc",
        "connectivity",
        {
            "RelationshipMeasure": "connection weights, scaled",
            "MeasureUnits": "arbitrary",
            "NonNegative": True,
        },
    ),
    "lengths": (
        "length",
        "tractLength",
        {"RelationshipMeasure": "tract lengths", "MeasureUnits": "mm", "NonNegative": True},
    ),
}
README = """\
# {name}

Personalised brain network models, written by {tool} as a BIDS derivative.

* `sub-*/dwi`: connectomes as they were simulated, and tract lengths in mm
* `sub-*/func`: functional connectivity of the training and held-out scans
* `sub-*/model`: states and parameters of the fitted models, node by node; the JSON files hold the scores and
  the parameters of the whole brain
* `atlas-*_nodes.tsv`: the nodes, in the order of every matrix

Matrices follow the draft BEP017 of BIDS (relationship matrices), which may still change: numbers only, rows
and columns in the order of the node table, `n/a` for pairs that do not count. The tables of the cohort are
in `../cohort`.
"""


def main(sm):
    """Write the files of every person, then what describes the dataset."""
    logger = job.start(sm)
    root = Path(sm.output[0])
    nodes = tables.read_nodes(sm.input.nodes)
    names = fit_words(sm.params.fits)
    sources = bids.Sources(root, Path(sm.input.manifest).parent)
    exported = Exported(root, atlas_word(sm.input.manifest), nodes, sources)
    connectomes, scans = Archive(sm.input.connectomes), Archive(sm.input.scans)
    targets = by_split(sm.input.targets, sm.params.splits)
    for ids in sm.params.units:
        try:
            exported.write_connectome(ids, connectomes)
            for split, archive in targets.items():
                exported.write_fc(ids, split, archive, scans.records[ids["unit"]])
        except DamagedArray as error:
            logger.warning("%s is not exported whole: %s", ids["unit"], error)
    for number, fit in enumerate(sm.params.fits):
        per_fit = {name: _slice(sm.input[name], number, len(sm.params.fits)) for name in TABLES}
        for paths in zip(*per_fit.values(), strict=True):
            batch = dict(zip(TABLES, map(read_texts, paths), strict=True))
            batch["evaluation"] = filled(batch["evaluation"])
            write_models(exported, names[fit], sm.params.fits[fit], batch)
    write_dataset(exported, sm.params.dataset, sm.input)
    logger.info("%d units in %s", len(sm.params.units), root)


def _slice(paths, number, count):
    """Give the files of one fit: the batches change fastest."""
    size = len(paths) // count
    return list(paths)[number * size : (number + 1) * size]


def atlas_word(manifest):
    """Name the parcellation as BIDS allows; "custom" where the manifest names none."""
    named = (row["atlas"] for row in tables.read_manifest(manifest) if row["atlas"])
    return bids.word(next(named, "custom"))


def fit_words(fits):
    """Give every fit a name that BIDS allows: letters and digits.

    Raises
    ------
    InputError
        If two names become one.
    """
    words = {fit: bids.word(fit) for fit in fits}
    if len(set(words.values())) < len(words):
        raise InputError(
            f"rename a fit: {', '.join(fits)} are not unique in BIDS file names, which keep only letters and "
            "digits"
        )
    return words


class Exported:
    """A dataset that is being written.

    Parameters
    ----------
    root : Path
    atlas : str
        Letters and digits.
    nodes : list of dict
        Rows of the node table.
    sources : bids.Sources
    """

    def __init__(self, root, atlas, nodes, sources):
        self.root, self.atlas, self.nodes, self.sources = root, atlas, nodes, sources
        self.node_file = f"atlas-{atlas}_nodes.tsv"

    def write_connectome(self, ids, archive):
        """Write weights as they were simulated, and tract lengths; nothing for excluded people."""
        record, arrays = archive.records[ids["unit"]], archive.arrays(ids["unit"])
        for name in CONNECTOMES.keys() & arrays.keys():
            kind, measure, facts = CONNECTOMES[name]
            sources = [source for source in record["sources"] if source["kind"] == kind]
            facts = {
                **facts,
                "Directed": bool((arrays[name] != arrays[name].T).any()),
                "Sources": [self.sources.uri(source["path"]) for source in sources],
                "SourceSessions": [source["session_id"] for source in sources],
                "ScaleFactor": arrays["scale_factor"] if name == "weights" else 1.0,
                "Settings": record["settings"],
            }
            self._write_matrix(ids, "dwi", {"meas": measure}, arrays[name], facts)

    def write_fc(self, ids, split, archive, scans):
        """Write the functional connectivity of a split; nothing for excluded people."""
        record, arrays = archive.records[ids["unit"]], archive.arrays(ids["unit"])
        if "fc" not in arrays:
            return
        runs = scans.get("runs") or {}
        paths = [runs[run]["path"] for run in record.get("runs", ()) if "path" in runs.get(run, {})]
        facts = {
            "RelationshipMeasure": "Pearson correlation",
            "MeasureUnits": "1",
            "Directed": False,
            "Split": split,
            "Pairs": record["pairs"],
            "BandPass": record["band_pass"] and record["band_pass"][:2],
            "RepetitionTime": record.get("repetition_time"),
            "Volumes": record.get("volumes"),
            "Runs": record.get("runs"),
            "Sources": [self.sources.uri(path) for path in paths],
        }
        matrix = self.square(arrays["fc"], record["pairs"])
        self._write_matrix(ids, "func", {"desc": split, "meas": "correlation"}, matrix, facts)

    def square(self, vector, pairs):
        """Write a vector of pairs as a symmetric matrix, NaN for pairs that do not count."""
        hemispheres = [node["hemisphere"] for node in self.nodes]
        rows, columns = pair_indices(len(hemispheres), hemispheres, pairs)
        matrix = np.full((len(hemispheres), len(hemispheres)), np.nan)
        matrix[rows, columns] = matrix[columns, rows] = vector
        return matrix

    def path(self, ids, kind, **entities):
        """Name a file, without suffix and ending."""
        return bids.folder(self.root, ids, kind) / bids.stem(ids, atlas=self.atlas, **entities)

    def _write_matrix(self, ids, kind, entities, values, facts):
        """Write a matrix of the draft BEP017 and its description."""
        path = f"{self.path(ids, kind, **entities)}_relmat.dense"
        # Nine digits are those of single precision; the .npz files in results/prepared hold them all.
        lines = ("\t".join(_cell(value) for value in row) for row in values.tolist())
        with job.atomic_path(f"{path}.tsv") as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        layout = {"Weighted": True, "ValidDiagonal": False, "StorageFormat": "Full"}
        job.write_json(f"{path}.json", {**facts, **layout, "NodeFiles": f"bids::{self.node_file}"})


def _cell(value):
    return job.MISSING if value != value else f"{value:.9g}"


def write_dataset(exported, dataset, given):
    """Write what describes the dataset as a whole."""
    root = exported.root
    job.write_json(root / bids.DESCRIPTION, bids.description(dataset, exported.sources))
    text = README.format(name=dataset["name"], tool=bids.TOOL)
    (root / "README.md").write_text(text, encoding="utf-8")
    (root / ".bidsignore").write_text("\n".join(bids.IGNORED) + "\n", encoding="utf-8")
    job.write_tsv(root / exported.node_file, exported.nodes)
    dictionary.write(root / exported.node_file, "nodes")
    write_participants(root / "participants.tsv", given)


def write_participants(path, given):
    """Write participants.tsv with the user's columns and BIDS identifiers."""
    present = sorted(folder.name for folder in path.parent.glob("sub-*"))
    asked = [given.participants] if isinstance(given.participants, str) else list(given.participants)
    rows = tables.read_participants(asked[0]) if asked else []
    known = {}
    for row in rows:
        known.setdefault(f"sub-{row['participant_id']}", row)
    columns = [column for column in (rows[0] if rows else ()) if column not in IDS]
    columns = [column for column in columns if _is_of_the_person(column, rows)]
    table = [{**known.get(person, {}), "participant_id": person} for person in present]
    job.write_tsv(path, table, columns=["participant_id", *columns])
    dictionary.write(path)


def _is_of_the_person(column, rows):
    """Say whether a column holds anything, and the same in all sessions of a person."""
    values = {}
    for row in rows:
        values.setdefault(row["participant_id"], set()).add(row[column])
    return all(len(found) == 1 for found in values.values()) and set().union(*values.values()) != {None}


if "snakemake" in globals():
    main(snakemake)
