"""What must hold of an exported dataset, read as another tool would."""

import json

import numpy as np
import pandas as pd

from workflow_scripts import readers


def check_dataset(root, fitted):
    """Read an exported dataset back: description, tables with dictionaries, matrices with their nodes."""
    described = json.loads((root / "dataset_description.json").read_text(encoding="utf-8"))
    assert described["DatasetType"] == "derivative" and described["GeneratedBy"][0]["Version"]
    table = pd.read_csv(root / "participants.tsv", sep="\t", dtype=str)
    assert set(table["participant_id"]) == {folder.name for folder in root.glob("sub-*")}
    assert {path.parts[-3] for path in root.glob("sub-*/model/*.tsv")} == {
        f"sub-{person}" for person in fitted
    }
    assert set(json.loads((root / "participants.json").read_text())) == set(table.columns)
    (nodes,) = root.glob("atlas-*_nodes.tsv")
    labels = tuple(pd.read_csv(nodes, sep="\t")["label"])
    for path in sorted(root.glob("sub-*/*/*_relmat.dense.tsv")):
        check_matrix(path, labels, described, root)
    for path in sorted(root.glob("sub-*/model/*.tsv")):
        regional = pd.read_csv(path, sep="\t")
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert tuple(regional["label"]) == labels
        assert set(regional.columns) <= set(facts)
        assert facts["S_E_mean"]["Units"] and facts["Parameters"]["G"]["Value"] > 0
        assert "fc_corr" in facts["Scores"]["test"]


def check_matrix(path, labels, described, root):
    """Read a matrix with the workflow's own reader; its sources are files."""
    matrix = readers.read({"path": str(path), "format": "dense_tsv", "kind": None})
    assert matrix.row_labels == labels
    np.testing.assert_array_equal(matrix.values, matrix.values.T)
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert facts["Sources"]
    for uri in facts["Sources"]:
        _, dataset, inside = uri.split(":")
        assert (root / described["DatasetLinks"][dataset] / inside).is_file(), uri
