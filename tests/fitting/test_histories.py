"""The store of fit histories: exact, whole, never mixed; killed fits resume to the same bits."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cubnm_core.errors import InputError
from cubnm_core.fitting.run import Generation
from cubnm_core.fitting.search_space import SearchSpace
from workflow_scripts.fitting.fingerprints import fingerprint
from workflow_scripts.fitting.histories import FileStore, History

SPACE = SearchSpace({"G": (0.0, 3.0), "w_p": (0.2, 2.0)}, {"J_N": 0.15})
KEY = "sub-01_restart-0"


def generation(number, size=3):
    generator = np.random.default_rng(number)
    terms = {"fc_corr": generator.normal(size=size) / 3, "fcd_ks": generator.random(size)}
    status = np.array([0] * (size - 1) + [1])
    return Generation(number, generator.random((size, 2)), terms, generator.normal(size=size), status)


def store(folder, mark="a" * 64):
    return FileStore(folder, {KEY: History(mark, SPACE)})


@pytest.fixture
def filled(tmp_path):
    kept = store(tmp_path / "histories")
    for number in range(3):
        kept.append(KEY, generation(number, size=3 + number))
    return kept


def assert_same(found, expected):
    assert (found.number, found.points.shape) == (expected.number, expected.points.shape)
    assert found.points.tobytes() == expected.points.tobytes()
    assert found.cost.tobytes() == expected.cost.tobytes()
    assert (found.status == expected.status).all()
    assert set(found.terms) == set(expected.terms)
    for name, values in expected.terms.items():
        assert found.terms[name].tobytes() == values.tobytes()


def test_reading_returns_the_same_bits(filled):
    found = store(filled.folder).load(KEY)
    assert len(found) == 3
    for number, one in enumerate(found):
        assert_same(one, generation(number, size=3 + number))


def test_table_names_physical_values(filled):
    lines = [
        line.split("\t") for line in filled.path(KEY).read_text().splitlines() if not line.startswith("#")
    ]
    row = dict(zip(lines[0], lines[1], strict=True))
    assert float(row["param_G"]) == pytest.approx(3.0 * float(row["u_G"]))
    assert "param_J_N" not in row


def test_any_torn_end_loses_only_its_generation(filled):
    path = filled.path(KEY)
    content = path.read_bytes()
    two = content.index(b"# generation 1 complete")
    two = content.index(b"\n", two) + 1
    for length in [*range(two, len(content), 37), len(content) - 1]:
        path.write_bytes(content[:length])
        fresh = store(filled.folder)
        assert len(fresh.load(KEY)) == 2
        assert path.read_bytes() == content[:two]
        fresh.append(KEY, generation(2, size=5))
        assert path.read_bytes() == content


def test_torn_first_write_starts_anew(filled):
    path = filled.path(KEY)
    content = path.read_bytes()
    for length in (0, 10, 70, len(content.split(b"\n")[0]) + 20):
        path.write_bytes(content[:length])
        fresh = store(filled.folder)
        assert fresh.load(KEY) == []
        for number in range(3):
            fresh.append(KEY, generation(number, size=3 + number))
        assert path.read_bytes() == content


def test_damage_in_the_middle_names_file_and_line(filled):
    path = filled.path(KEY)
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[4].replace(b"1", b"2", 1)
    path.write_bytes(b"".join([*lines[:4], changed, *lines[5:]]))
    with pytest.raises(
        InputError, match=rf"{path.name}, line 6: the rows of generation 0 .*move the file away"
    ):
        store(filled.folder).load(KEY)


def test_missing_line_in_the_middle_is_damage(filled):
    path = filled.path(KEY)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], *lines[4:]]))
    with pytest.raises(InputError, match="line 5"):
        store(filled.folder).load(KEY)


def test_foreign_file_is_refused(filled):
    filled.path(KEY).write_text("participant\tvalue\n01\t3\n")
    with pytest.raises(InputError, match="line 1: expected"):
        store(filled.folder).load(KEY)


def test_history_of_other_settings_is_set_aside(filled):
    before = filled.path(KEY).read_bytes()
    changed = store(filled.folder, mark="b" * 64)
    assert changed.load(KEY) == []
    aside = filled.path(KEY).with_name(f"{KEY}.tsv.{'a' * 12}.stale")
    assert aside.read_bytes() == before
    changed.append(KEY, generation(0))
    assert len(changed.load(KEY)) == 1


def test_fingerprint_sees_every_difference():
    weights = np.arange(9.0).reshape(3, 3)
    marks = [
        fingerprint(weights, {"a": 1, "b": [1.0, None]}),
        fingerprint(weights + 1e-16 * np.eye(3), {"a": 1, "b": [1.0, None]}),
        fingerprint(weights.astype(np.float32), {"a": 1, "b": [1.0, None]}),
        fingerprint(weights.reshape(9), {"a": 1, "b": [1.0, None]}),
        fingerprint(weights, {"a": 1, "b": [1.0 + 2**-52, None]}),
        fingerprint(weights, {"a": 1, "b": [1.0, True]}),
    ]
    assert len(set(marks)) == len(marks)
    assert marks[0] == fingerprint(weights.copy(), {"b": (1.0, None), "a": 1})


FIT = """
import sys, time
import numpy as np
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.run import FitProblem, run_fits
from cubnm_core.fitting.search_space import SearchSpace
from cubnm_core.measures.objective import Objective, Target
from cubnm_core.simulation.simulation import Simulation
from workflow_scripts.fitting.histories import FileStore, History

pause = float(sys.argv[2])
space = SearchSpace({"G": (0.0, 3.0), "w_p": (0.2, 2.0)})

def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
    time.sleep(pause)
    ramp = np.linspace(0, 1, 10)
    own = weights[connectome, 0, 0][:, None]  # not the index, which changes when another fit has ended
    fc = np.sin(params["G"][:, None] * ramp + own) * np.cos(params["w_p"][:, None] * ramp**2)
    size = len(connectome)
    return Simulation(None, fc, None, {}, {}, params, np.zeros(size, int), 0, 0.0)

target = Target(np.sin(1.7 * np.linspace(0, 1, 10)) * np.cos(0.9 * np.linspace(0, 1, 10) ** 2))
objective = Objective({"fc_corr": 1.0, "fc_diff": 1.0})
settings = OptimizerSettings(population=6, generations=15, tolerance=0.0)
problems = [
    FitProblem(f"sub-{k}_restart-0", np.eye(2) * k, None, target, space, objective, settings)
    for k in range(3)
]
store = FileStore(sys.argv[1], {problem.key: History("c" * 64, space) for problem in problems})
for result in run_fits(problems, simulate_batch, store):
    print(result.key, repr(result.best_cost), result.generations)
"""


def run_fit(folder, pause="0", wait=True):
    process = subprocess.Popen(
        [sys.executable, "-c", FIT, str(folder), pause], stdout=subprocess.PIPE, text=True
    )
    return process.communicate()[0] if wait else process


@pytest.mark.slow
def test_fit_killed_at_any_moment_resumes_to_the_same_bits(tmp_path):
    expected = run_fit(tmp_path / "whole")
    process = run_fit(tmp_path / "killed", pause="0.03", wait=False)
    first = tmp_path / "killed" / "sub-0_restart-0.tsv"
    while not first.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(np.random.default_rng(os.getpid()).uniform(0.0, 0.4))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    partial = first.read_bytes()
    assert run_fit(tmp_path / "killed") == expected
    assert first.read_bytes().startswith(partial[: partial.rfind(b"\n#")])
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "killed" / path.name).read_bytes() == path.read_bytes()
