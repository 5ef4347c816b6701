"""Eight people without scans: from their files to a fit, through the manifest alone."""

import csv

import numpy as np
import pytest
import yaml
from scipy.io import loadmat

from cubnm_core.errors import InputError
from workflow_scripts import get_kong2021_example
from workflow_scripts.files.archives import Archive


def rows_of(path):
    """Read a table."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_a_copy_without_the_data_is_named(tmp_path):
    with pytest.raises(InputError, match="no Desikan_input"):
        get_kong2021_example.write_example(tmp_path, tmp_path)


def test_eight_people_are_fitted_to_fc_and_fcd_computed_elsewhere(shared, repository, tmp_path, snakemake):
    data = shared / "data" / "kong2021"
    get_kong2021_example.write_example(data, tmp_path / "resources" / "kong2021")
    config = yaml.safe_load(
        (repository / "config" / "examples" / "kong2021.yaml").read_text(encoding="utf-8")
    )
    config["simulation"] = {"duration": 100.0, "burn_in": 10.0, "dt": 1e-3, "hemodynamic_dt": 5e-3}
    tiny = {"population": 4, "generations": 1, "restarts": 1}
    config["fits"]["homogeneous"] |= {"protocol": None, "fic": "analytical", "optimizer": tiny}
    (tmp_path / "kong2021.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    code, text = snakemake("fits", "results/cohort/baselines.tsv", config=tmp_path / "kong2021.yaml")
    assert code == 0, text

    fits = rows_of(tmp_path / "results/fits/homogeneous/batch-001_fits.tsv")
    assert [row["participant_id"] for row in fits] == list("12345678")
    assert {row["status"] for row in fits} == {"ok"}
    assert all(0 < float(row["fcd_ks_binned"]) <= 1 and row["fcd_ks"] == "n/a" for row in fits)

    baselines = rows_of(tmp_path / "results/cohort/baselines.tsv")
    agreement = {
        measure: [float(row["value"]) for row in baselines if row["measure"] == measure]
        for measure in ("scan_rescan_fc", "scan_rescan_ks")
    }
    assert len(agreement["scan_rescan_fc"]) == len(agreement["scan_rescan_ks"]) == 8
    assert np.mean(agreement["scan_rescan_fc"]) == pytest.approx(0.90, abs=0.01)
    assert np.mean(agreement["scan_rescan_ks"]) == pytest.approx(0.20, abs=0.01)

    targets = Archive(str(tmp_path / "results/targets/batch-001_split-test_target.npz"))
    fc = np.loadtxt(data / "sub3" / "FC_test.csv", delimiter=",")
    (counts,) = (
        array.ravel() for name, array in loadmat(data / "sub3" / "FCD_test.mat").items() if name[0] != "_"
    )
    arrays, record = targets.arrays("sub-3"), targets.records["sub-3"]
    np.testing.assert_allclose(arrays["fc"], fc[np.tril_indices(68, -1)], rtol=1e-12)
    np.testing.assert_allclose(arrays["fcd_cdf"], counts / counts[-1])
    assert record["windows"] == 1118 and record["repetition_time"] == 0.72
