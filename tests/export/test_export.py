"""Names, sources and dictionaries of the exported dataset; the export itself runs in test_workflow."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import read_tsv

from cubnm_core.errors import InputError
from cubnm_core.measures.connectivity import pair_indices
from workflow_scripts.evidence import baselines, compare_fits
from workflow_scripts.export import bids, export
from workflow_scripts.export.cohort_tables import EXCLUSIONS, RECOVERY
from workflow_scripts.files import dictionary
from workflow_scripts.fitting import best_fits, evaluate, fit_rows, scoring
from workflow_scripts.preparation import common_nodes

SETTINGS = {"terms": {}, "objectives": [{}, {}], "constraints": {}}
FREE = type("Space", (), {"names": ("G",), "fixed": {}})
TABLES = {
    "fits": fit_rows.fits_columns(SETTINGS, FREE),
    "convergence": fit_rows.CONVERGENCE,
    "front": fit_rows.front_columns(SETTINGS, FREE),
    "evaluation": scoring.EVALUATION,
    "states": evaluate.STATES,
    "regional_parameters": best_fits.REGIONAL,
    "baselines": baselines.COLUMNS,
    "optimism": compare_fits.OPTIMISM,
    "fit_comparison": compare_fits.COMPARISON,
    "missing_nodes": common_nodes.MISSING,
    "exclusions": EXCLUSIONS,
    "recovery": RECOVERY,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_described(name):
    described = dictionary.describe(name, TABLES[name])
    assert set(described) == set(TABLES[name]), "add it to config/schema/columns.yaml"
    assert all(entry["Description"] for entry in described.values())
    assert dictionary.title(name)


def test_a_dictionary_lies_beside_its_table(tmp_path):
    path = tmp_path / "fits.tsv"
    path.write_text("participant_id\tparam_G\tmine\n01\t1.0\t2\n", encoding="utf-8")
    dictionary.write(path)
    found = json.loads((tmp_path / "fits.json").read_text(encoding="utf-8"))
    assert set(found) == {"participant_id", "param_G"}


def test_sources_are_named_by_the_dataset_they_belong_to(tmp_path):
    for name, described in (("xcp_d", True), ("lab", False), ("elsewhere", False), ("b/xcp-d", True)):
        (tmp_path / name / "sub-1").mkdir(parents=True)
        if described:
            text = json.dumps({"Name": name, "DatasetDOI": "doi:10.1/x"})
            (tmp_path / name / "dataset_description.json").write_text(text, encoding="utf-8")
    sources = bids.Sources(tmp_path / "results" / "derivatives", inputs=tmp_path / "lab")
    assert sources.uri(tmp_path / "xcp_d" / "sub-1" / "a.tsv") == "bids:xcpd:sub-1/a.tsv"
    assert sources.uri(tmp_path / "lab" / "sub-1" / "a.tsv") == "bids:lab:sub-1/a.tsv"
    assert sources.uri(tmp_path / "elsewhere" / "a.tsv") == "bids:elsewhere:a.tsv"
    assert sources.uri(tmp_path / "b" / "xcp-d" / "a.tsv") == "bids:xcpd2:a.tsv"
    assert sources.uri(tmp_path / "hcp" / "100206" / "sub" / "a.nii") == "bids:hcp:100206/sub/a.nii"
    assert sources.links()["xcpd"] == "../../xcp_d"
    described = bids.description({"name": "Mine", "license": "CC0", "authors": []}, sources)
    assert described["License"] == "CC0" and "Authors" not in described
    assert described["SourceDatasets"][0] == {"URL": "../../xcp_d", "DOI": "doi:10.1/x"}


def test_names_have_sessions_where_there_are_some():
    ids = {"participant_id": "01", "session_id": "a"}
    assert bids.stem(ids, atlas="X", desc="train") == "sub-01_ses-a_atlas-X_desc-train"
    assert bids.stem({**ids, "session_id": ""}) == "sub-01"
    assert bids.folder("root", ids, "func").as_posix() == "root/sub-01/ses-a/func"


def test_fits_that_become_one_name_are_refused():
    assert export.fit_words({"two-maps": {}}) == {"two-maps": "twomaps"}
    with pytest.raises(InputError, match="not unique in BIDS file names"):
        export.fit_words({"a-b": {}, "ab": {}})


def test_participants_keep_what_holds_for_all_sessions(tmp_path):
    rows = [("01", "a", "20", "F"), ("01", "b", "22", "F"), ("02", "a", "30", "M"), ("03", "a", "40", "M")]
    given = tmp_path / "given.tsv"
    header = "participant_id\tsession_id\tage\tsex\n"
    given.write_text(header + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    for person in ("01", "02"):
        (tmp_path / "out" / f"sub-{person}").mkdir(parents=True)
    path = tmp_path / "out" / "participants.tsv"
    export.write_participants(path, SimpleNamespace(participants=str(given)))
    assert read_tsv(path) == [
        {"participant_id": "sub-01", "sex": "F"},
        {"participant_id": "sub-02", "sex": "M"},
    ]
    assert set(json.loads(path.with_suffix(".json").read_text())) == {"participant_id", "sex"}


def test_pairs_that_do_not_count_are_missing_in_the_matrix():
    nodes = [{"hemisphere": side} for side in "LLRR"]
    exported = export.Exported("root", "X", nodes, None)
    rows, columns = pair_indices(4, list("LLRR"), "intrahemispheric")
    matrix = exported.square(np.array([0.25, 0.5]), "intrahemispheric")
    np.testing.assert_array_equal(matrix[rows, columns], [0.25, 0.5])
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.isnan(matrix).sum() == 12
