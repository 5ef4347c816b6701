"""The preparation as a workflow: real people from their files to a fit, and people added later."""

import numpy as np
import yaml
from cohorts import LABELS, TinyCohort, labelled, read_tsv, smooth_noise, symmetric

from workflow_scripts.files import job
from workflow_scripts.get_hcp_example import write_example


def add(cohort, person, generator, node=None):
    """Add a person, without signal in one node."""
    cohort.participants.append({"participant_id": person, "group": "a"})
    cohort.add(person, "sc", labelled(symmetric(int(person))))
    for run, role in (("1", "train"), ("2", "test")):
        values = smooth_noise(generator, 150)
        if node is not None:
            values[:, node] = float("nan")
        cohort.add(person, "bold", labelled(values), run_id=run, role=role, repetition_time=0.8)


def test_nodes_that_an_added_person_lacks_are_left_out_for_everybody(snakemake, tmp_path):
    generator = np.random.default_rng(1)
    cohort = TinyCohort(tmp_path, participants=("01", "02", "03"))
    cohort.config |= {"node_policy": {"largest_missing": 0.2}, "batch_size": 3}
    code, text = snakemake("prepare", config=cohort.write())
    assert code == 0 and "6 of 6 nodes are there in all 3 units" in text, text

    add(cohort, "04", generator)
    add(cohort, "05", generator, node=2)
    code, text = snakemake("prepare", config=cohort.write())
    assert code == 0, text
    assert "LH_Cont_1 is left out of the analysis: missing in 1 of 5 units" in text
    nodes = read_tsv(tmp_path / "results" / "cohort" / "nodes.tsv")
    assert [row["label"] for row in nodes] == [label for label in LABELS if label != LABELS[2]]
    qc = read_tsv(tmp_path / "results" / "cohort" / "qc.tsv")
    assert {row["participant_id"]: row["nodes"] for row in qc} == dict.fromkeys(
        ("01", "02", "03", "04", "05"), "5"
    )
    assert "Nothing to be done" in snakemake("prepare", config=cohort.write())[1]


def test_two_people_of_the_hcp_go_from_their_files_to_a_fit(snakemake, shared, repository, tmp_path):
    write_example(shared / "data" / "hcp", shared / "data" / "hcp" / "maps", tmp_path / "resources" / "hcp")
    with open(repository / "config" / "examples" / "hcp.yaml", encoding="utf-8") as file:
        config = yaml.safe_load(file)
    fit = config["fits"]["homogeneous"]
    del fit["protocol"]
    fit["optimizer"] = {"population": 4, "generations": 1, "restarts": 1}
    config["simulation"] = {"duration": 90.0, "burn_in": 10.0, "dt": 2.0e-3, "hemodynamic_dt": 1.0e-2}
    path = tmp_path / "hcp.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    code, text = snakemake("fits", config=path)
    assert code == 0, text
    (table,) = (tmp_path / "results" / "fits" / "homogeneous").glob("*_fits.tsv")
    rows = read_tsv(table)
    assert {(row["participant_id"], row["status"]) for row in rows} == {("100206", "ok"), ("100307", "ok")}
    common = job.read_json(tmp_path / "results" / "cohort" / "common_nodes.json")
    assert common["nodes"] == 100 and common["excluded"] == {} and common["node_set"] is None
