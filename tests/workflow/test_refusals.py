"""What users see of inputs that are refused: all messages at once, and no line of any program."""

import pytest
import yaml
from damages import overwrite

from cubnm_core.errors import InputError
from workflow_scripts.cohort import start_checks

MODEL = '[model]\nname = "mine"\n[equations]\ny = "1/0"\n'


def settings(**changes):
    return lambda cohort: cohort.config.update(changes)


def fit(**changes):
    return lambda cohort: cohort.config["fits"]["homogeneous"].update(changes)


def table(name, change):
    """Change the text of a table after it was written."""
    return lambda cohort: cohort.after.append(lambda: _rewrite(cohort.folder / name, change))


def _rewrite(path, change):
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def same_row_twice(text):
    return text + text.splitlines()[1] + "\n"


def damaged_record(cohort):
    folder = cohort.folder / "results" / "group"
    folder.mkdir(parents=True)
    (folder / "homogeneous_time_step.json").write_text('{"dt": ', encoding="utf-8")
    cohort.config["fits"]["homogeneous"]["simulation"] = {"dt": "auto"}


def model_file(cohort):
    (cohort.folder / "mine.toml").write_text(MODEL, encoding="utf-8")
    cohort.config["fits"]["homogeneous"]["model"] = str(cohort.folder / "mine.toml")


def second_scan(cohort):
    cohort.manifest.append(dict(cohort.row("01", "bold", "1")))


BAD = {
    "unknown key": (
        settings(holdut="run"),
        ["tiny.yaml, line", "unknown key 'holdut'; did you mean 'holdout'?"],
    ),
    "value": (settings(holdout="runs"), ["holdout: 'runs' is not allowed; did you mean 'run'?"]),
    "not finite": (fit(replicates=float("nan")), ["fits.homogeneous.replicates: nan is not a whole number"]),
    "field strength": (settings(bold={"field_strength": 3.0}), ["cubnm-3T", "friston-3T"]),
    "absent table": (settings(manifest="manifst.tsv"), ["manifst.tsv: No such file", "correct the path"]),
    "bad row": (
        table("manifest.tsv", lambda text: text.replace("\tsc\t", "\tcs\t", 1)),
        ["line 2: kind: 'cs'"],
    ),
    "lost tab": (
        table("participants.tsv", lambda text: text + "04\n"),
        ["participants.tsv, line 5: 1 cells"],
    ),
    "bad index": (table("nodes.tsv", lambda text: text.replace("\n1\t", "\n7\t")), ["line 3: index is 7"]),
    "row twice": (table("manifest.tsv", same_row_twice), ["same participant_id", "keep one of the two"]),
    "scan twice": (second_scan, ["same participant_id 01", "keep one of the two"]),
    "absent file": (
        lambda cohort: (cohort.folder / "sub-01_sc.tsv").unlink(),
        ["line 2: no file sub-01_sc.tsv"],
    ),
    "formula": (
        settings(statistics={"models": {"a": {"formula": "group + __import__('os')"}}}),
        ["statistics.models.a"],
    ),
    "model file": (model_file, ["mine.toml"]),
    "start": (fit(start={"from": "nothing"}), ["fits.homogeneous.start.from", "nothing"]),
    "damaged record": (damaged_record, ["homogeneous_time_step.json", "time_steps"]),
}


@pytest.fixture
def spoilt(tiny_cohort):
    """Spoil a cohort, and give the path of its settings."""
    tiny_cohort.after = []

    def spoil(*changes):
        for change in changes:
            change(tiny_cohort)
        path = tiny_cohort.write()
        for change in tiny_cohort.after:
            change()
        return path

    return spoil


def assert_plain(text):
    for word in ("Traceback", 'File "', ".py", "InputError", "smk"):
        assert word not in text, text


@pytest.mark.parametrize("kind", BAD)
def test_a_dry_run_shows_messages_and_no_program(kind, spoilt, snakemake):
    change, words = BAD[kind]
    code, text = snakemake("--dry-run", "--quiet", config=spoilt(change))
    assert code == 1 and "Error: " in text, text
    assert_plain(text)
    for word in words:
        assert word in text, text


@pytest.mark.slow
def test_a_plan_is_refused_as_a_run_is(spoilt, snakemake):
    code, text = snakemake("plan", config=spoilt(BAD["value"][0]))
    assert code == 1 and BAD["value"][1][0] in text
    assert_plain(text)


def test_problems_of_one_section_hide_no_others(spoilt, tiny_cohort, monkeypatch):
    monkeypatch.chdir(tiny_cohort.folder)
    kinds = ["value", "absent file", "bad index", "lost tab"]
    path = spoilt(*(BAD[kind][0] for kind in kinds))
    text = refused(path)
    for kind in kinds:
        for word in BAD[kind][1]:
            assert word in text, text
    # What needs settings that cannot be used is not guessed at.
    assert "statistical models" not in text


def test_problems_of_one_table_hide_no_others(spoilt, tiny_cohort, monkeypatch):
    """Nor those of the settings that need other tables only."""
    monkeypatch.chdir(tiny_cohort.folder)
    kinds = ["bad index", "row twice", "formula"]
    bands = settings(bold={**tiny_cohort.config["bold"], "band_pass": [0.01, 0.7]})
    text = refused(spoilt(*(BAD[kind][0] for kind in kinds)))
    for kind in kinds:
        for word in BAD[kind][1]:
            assert word in text, text
    tiny_cohort.after = []
    text = refused(spoilt(bands, BAD["bad index"][0]))
    assert "0.7 Hz is not below half" in text and "index is 7" in text


def test_the_same_problem_is_told_once(spoilt, tiny_cohort, monkeypatch):
    monkeypatch.chdir(tiny_cohort.folder)
    text = refused(spoilt(BAD["lost tab"][0], settings(connectome={"session": "nearest"})))
    assert text.count("line 5: 1 cells") == 1


def refused(path):
    """Check settings and tables, and give the message."""
    with pytest.raises(InputError) as caught:
        start_checks.check_start(yaml.safe_load(path.read_text(encoding="utf-8")), [path])
    return str(caught.value)


def test_a_job_that_fails_by_its_input_logs_the_message_only(tiny_cohort, snakemake):
    config = tiny_cohort.write()
    damaged = tiny_cohort.folder / "results" / "prepared" / "batch-001_bold.json"
    code, text = snakemake(str(damaged.relative_to(tiny_cohort.folder)), config=config)
    assert code == 0, text
    overwrite(damaged, b"{")
    code, text = snakemake("results/cohort/nodes.tsv", config=config)
    assert code == 1 and damaged.name in text and "remove it" in text
    logs = [path.read_text(encoding="utf-8") for path in tiny_cohort.folder.glob("logs/common_nodes/*.log")]
    assert logs and all("Traceback" not in log for log in logs)
    assert not any(line.startswith(("Traceback", "  File ")) for line in text.splitlines()), text
