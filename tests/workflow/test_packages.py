"""The wheel, in environments without the repository: the engine alone, and the workflow beside it."""

import json
import os
import subprocess
import sys
import venv
import zipfile

import pytest
import yaml

pytestmark = pytest.mark.slow

SCRIPT = """
import json
import numpy as np
import cubnm_core as cc

weights = cc.connectome(np.random.default_rng(0).lognormal(size=(10, 10)))
common = {"repetition_time": 1.0, "burn_in": 10.0, "window": 20.0, "window_step": 5.0}
common |= {"fic": "analytical", "hemodynamics": "friston-3T", "dt": 1e-3}
run = cc.simulate("rWW", weights, {"G": 1.0}, duration=130.0, seed=1, record=("bold", "fc"), **common)
scan = run.bold[0, 10:]
free = {"G": (0.2, 2.0), "w_p": (0.5, 1.5)}
fit = cc.fit("rWW", weights, scan, free, population=4, generations=2, **common)
print(json.dumps({"file": cc.__file__, "fc": run.fc.shape[1], "G": float(fit.best["G"])}))
"""


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    """Build the wheel as pip does."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", folder, repository)
    [path] = folder.glob("cubnm_core-*.whl")
    return path


@pytest.fixture(scope="module")
def engine(wheel, tmp_path_factory):
    """An environment that has the wheel and what the engine needs, and nothing else."""
    folder = tmp_path_factory.mktemp("engine")
    venv.create(folder, with_pip=True)
    call(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile", wheel)
    return folder / "bin"


@pytest.fixture(scope="module")
def workflow(wheel, tmp_path_factory):
    """The wheel unpacked, beside the libraries of this environment."""
    folder = tmp_path_factory.mktemp("workflow")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def call(*command, code=0, **more):
    """Run a command, away from the repository; return what it printed."""
    more.setdefault("env", {name: value for name, value in os.environ.items() if name != "PYTHONPATH"})
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_engine_simulates_and_fits_alone(engine, tmp_path):
    found = json.loads(call(engine / "python", "-c", SCRIPT, cwd=tmp_path).splitlines()[-1])
    assert str(engine.parent) in found["file"] and found["fc"] == 45 and 0.2 <= found["G"] <= 2.0


def test_the_engine_examines_the_machine_and_says_what_to_install_for_the_rest(engine, tmp_path):
    assert "snakemake" in call(engine / "cubnm_core", "doctor", cwd=tmp_path)
    (tmp_path / "my.yaml").write_text("{}")
    for command in ("run", "status"):
        said = call(engine / "cubnm_core", command, cwd=tmp_path, code=1)
        assert "pip install 'cubnm_core[workflow]'" in said and "Traceback" not in said


def test_the_workflow_runs_outside_a_clone(workflow, tmp_path):
    """From the demo's configuration to the synthetic cohort, with the files of the wheel alone."""
    installed = workflow / "cubnm_workflow"
    config = yaml.safe_load((installed / "config" / "config.yaml").read_text(encoding="utf-8"))
    config["synthetic"] |= {"participants": 4, "nodes": 8, "scan_duration": 40.0, "dt": 1e-3}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    program = "from workflow_scripts import command; print(command.__file__); command.main()"
    options = ("run", "--cores", "1", "results/synthetic/manifest.tsv")
    paths = {**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{workflow}"}
    said = call(sys.executable, "-c", program, *options, cwd=tmp_path, env=paths)
    assert said.startswith(str(installed))
    assert (tmp_path / "results" / "synthetic" / "manifest.tsv").is_file()
