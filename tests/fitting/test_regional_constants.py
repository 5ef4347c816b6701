"""Haemodynamic constants from the configuration to simulations and fingerprints, regional ones included."""

from copy import deepcopy

import golden_fits
import numpy as np
import pytest

from cubnm_core.equations.hemodynamics import HEMODYNAMICS
from cubnm_core.errors import InputError
from workflow_scripts.configuration import configuration
from workflow_scripts.configuration.fit_settings import resolve_fit
from workflow_scripts.fitting import fit_problems, simulators
from workflow_scripts.fitting.simulators import CohortSimulator

TABLE = "label\tdecay\n" + "".join(f"n{i}\t{(4 + i) / 8}\n" for i in reversed(range(golden_fits.N)))
DECAY = (4 + np.arange(golden_fits.N)) / 8


@pytest.fixture
def simulator(tmp_path, monkeypatch):
    """A function from haemodynamic constants, and the text of a table of maps, to the simulator of a fit."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fit_problems, "version", golden_fits.SOFTWARE.__getitem__)

    def make(constants, table=TABLE):
        (tmp_path / "maps.tsv").write_text(table, encoding="utf-8")
        config = {**golden_fits.CONFIG, "bold": {"hemodynamics": constants}, "maps": {"path": "maps.tsv"}}
        config = configuration.validate({**config, "fits": {"golden": deepcopy(golden_fits.FIT)}})
        return CohortSimulator(resolve_fit(config, "golden"), golden_fits.NODES, 1)

    return make


def fingerprint(simulator):
    _, histories = fit_problems.make_problems({"sub-01": golden_fits.person("rWW")}, simulator)
    return [history.fingerprint for history in histories.values()]


def test_a_column_gives_every_region_its_own_constant_by_label(simulator):
    made = simulator({"set": "friston-3T", "kappa": {"column": "decay"}})
    found = simulators.simulation_keywords(made.settings, 1.0)["hemodynamics"]
    np.testing.assert_array_equal(found.pop("kappa"), DECAY)
    assert found == {name: value for name, value in HEMODYNAMICS["friston-3T"].items() if name != "kappa"}
    run = made.simulate_batch(1.0, ("bold",))
    arguments = golden_fits.person("rWW").weights[None], [0], {"G": 1.0, "w_p": 0.5}, [1], None
    same = simulator("friston-3T").simulate_batch(1.0, ("bold",))
    assert np.abs(run(*arguments).bold - same(*arguments).bold).max() > 1e-3


def test_a_missing_column_is_named_with_its_table(simulator):
    with pytest.raises(InputError, match=r"maps.tsv: no column 'decai'.*'decay'"):
        simulator({"set": "friston-3T", "kappa": {"column": "decai"}})


def test_fingerprints_hold_numbers_not_names(simulator):
    """So a history goes on under another name of its numbers, and never under other numbers."""
    for name, constants in HEMODYNAMICS.items():
        mark = fingerprint(simulator(name))
        assert mark == fingerprint(simulator(dict(constants))) == fingerprint(simulator({"set": name}))
    named = [fingerprint(simulator(name))[0] for name in HEMODYNAMICS]
    regional = {"set": "friston-3T", "kappa": {"column": "decay"}}
    named.append(fingerprint(simulator(regional))[0])
    assert fingerprint(simulator(regional, TABLE.replace("0.5", "0.25")))[0] not in named
    assert len(set(named)) == len(HEMODYNAMICS) + 1
    assert fingerprint(simulator(regional)) == [named[-1]]
