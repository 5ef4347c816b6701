"""Models of the user's own in the workflow: found, fingerprinted, and a changed file runs again."""

import re

import numpy as np
import pytest
from cohorts import LITTLE_EVIDENCE
from prepared import PreparedCohort

from cubnm_core.equations.files import MODELS_FOLDER
from cubnm_core.errors import InputError
from workflow_scripts.configuration import configuration, fit_settings
from workflow_scripts.fitting import simulators
from workflow_scripts.simulate_person import simulate_person

DAMPED = (MODELS_FOLDER / "rWWEx.toml").read_text(encoding="utf-8").replace('"rWWEx"', '"damped"')


@pytest.fixture
def own_model(tiny_cohort):
    """A cohort whose only fit uses a model file in the working directory."""
    (tiny_cohort.folder / "models").mkdir()
    path = tiny_cohort.folder / "models" / "damped.toml"
    path.write_text(DAMPED, encoding="utf-8")
    one = tiny_cohort.config["fits"]["homogeneous"]
    one |= {"model": "models/damped.toml", "fic": None, "free": {"G": [0.1, 2.0], "w": [0.5, 1.0]}}
    return path


def test_the_file_is_an_input_of_what_computes_with_it(snakemake, tiny_cohort, own_model):
    code, text = snakemake("--dry-run", config=tiny_cohort.write())
    assert code == 0, text
    for rule in ("fit", "evaluate", "cohort_tables", "report"):
        (inputs,) = re.findall(rf"^(?:local)?rule {rule}:\n +input: (.*)$", text, flags=re.MULTILINE)
        assert "models/damped.toml" in inputs.split(", "), rule


def test_a_fitted_person_is_simulated_again_and_a_changed_file_runs_again(snakemake, tiny_cohort, own_model):
    tiny_cohort.config["evaluation"] = LITTLE_EVIDENCE
    config = tiny_cohort.write()
    code, text = snakemake("cohort", config=config)
    assert code == 0, text
    run = simulate_person(tiny_cohort.folder / "results", "sub-01", "homogeneous")  # from another folder
    assert run.status.tolist() == [0] and set(run.state_means) == {"x", "r", "S"}

    assert "Nothing to be done" in snakemake("--dry-run", "cohort", config=config)[1]
    own_model.write_text(DAMPED.replace("tau = {value = 100.0", "tau = {value = 80.0"), encoding="utf-8")
    code, text = snakemake("--dry-run", "cohort", config=config)
    assert code == 0 and all(re.search(rf"^{rule} +1$", text, re.MULTILINE) for rule in ("fit", "evaluate"))
    assert not re.search(r"^(prepare_bold|prepare_connectome|empirical_targets) ", text, re.MULTILINE)


def test_missing_and_wrong_files_are_found_before_the_first_job(tiny_cohort, own_model, monkeypatch):
    monkeypatch.chdir(tiny_cohort.folder)
    own_model.write_text(DAMPED.replace("gamma*(1 - S)", "gama*(1 - S)"), encoding="utf-8")
    with pytest.raises(InputError, match=r"damped.toml, equations line 4 .*'gama' .*did you mean 'gamma'"):
        configuration.validate(tiny_cohort.config)
    own_model.unlink()
    with pytest.raises(InputError, match=r"fits.homogeneous.model: no model 'models/damped.toml'"):
        configuration.validate(tiny_cohort.config)


def test_the_fingerprint_follows_the_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = PreparedCohort(tmp_path)
    cohort.settings = {**cohort.settings, "model": "mine.toml"}
    original = (MODELS_FOLDER / "rWW.toml").read_text(encoding="utf-8")
    marks = []
    for text in (original, original.replace("I0 = {value = 0.382", "I0 = {value = 0.383"), original):
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        marks.append(list(cohort.marks().values()))
    assert marks[0] == marks[2]
    assert not set(marks[0]) & set(marks[1])


@pytest.mark.slow
@pytest.mark.parametrize(("model", "dtype"), [("rWWEx", np.float32), ("JR", np.float64)])
def test_precision_is_the_one_the_model_names(tiny_cohort, model, dtype):
    stated = {"model": model, "fic": None, "free": {"G": [0.1, 2.0], "sigma": [0.0, 0.1]}}
    tiny_cohort.config["fits"]["homogeneous"] |= stated
    tiny_cohort.config["simulation"] = {"duration": 62.0, "burn_in": 0.0, "dt": 1.0e-3}
    settings = fit_settings.resolve_fit(configuration.validate(tiny_cohort.config), "homogeneous")
    simulate_batch = simulators.batch_simulator(settings, ["L", "R"], 1.0, ("bold",))
    run = simulate_batch(np.ones((1, 2, 2)), np.zeros(1, int), {"G": np.ones(1)}, np.zeros(1, int), None)
    assert run.bold.dtype == dtype
