"""How long matched simulations are, as far as it is known before they start."""

from workflow_scripts.files import job
from workflow_scripts.planning import lengths

FITS = {
    "matched": {"simulation": {"duration": "match", "burn_in": 30.0}},
    "stated": {"simulation": {"duration": 894.0, "burn_in": 30.0}},
}


def write_targets(folder, batch, split, runs):
    """Targets of some people with runs of so many volumes of 2 s; None for those who were excluded."""
    records = {
        unit: {"repetition_time": 2.0, "run_volumes": volumes} if volumes else {"status": "excluded"}
        for unit, volumes in runs.items()
    }
    job.write_json(folder / f"batch-{batch}_split-{split}_target.json", records)


def test_everybody_counts_with_the_longer_split(tmp_path):
    write_targets(tmp_path, "001", "train", {"sub-01": [100, 50], "sub-02": None})
    write_targets(tmp_path, "001", "test", {"sub-01": [100], "sub-02": None})
    write_targets(tmp_path, "002", "train", {"sub-03": [100]})
    write_targets(tmp_path, "002", "test", {"sub-03": [250]})
    write_targets(tmp_path, "003", "train", {"sub-04": [9999]})
    found = lengths.scan_seconds(["001", "002"], None, tmp_path)
    assert found == [300.0, 500.0]
    fits = lengths.with_durations(FITS, found)
    assert {name: fit["simulation"]["duration"] for name, fit in fits.items()} == {
        "matched": 430.0,
        "stated": 894.0,
    }
    assert FITS["matched"]["simulation"]["duration"] == "match"
    (told,) = lengths.remarks(FITS, found)
    assert "(matched): 300 to 500 s of scan a person, 400 s on average" in told


def test_before_the_preparation_a_length_is_assumed_and_said(tmp_path):
    assert lengths.scan_seconds(["001"], {"scan_duration": 720.0}, tmp_path) == [720.0]
    assert lengths.scan_seconds(["001"], None, tmp_path) == []
    fits = lengths.with_durations(FITS, [])
    assert fits["matched"]["simulation"]["duration"] == 930.0
    (told,) = lengths.remarks(FITS, [])
    assert "900 s" in told and "assumed" in told
    assert lengths.remarks({"stated": FITS["stated"]}, []) == []
