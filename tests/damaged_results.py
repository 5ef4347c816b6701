"""What is read of histories and results after random damages: the same values, or an error of ours."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
from damages import damaged, overwrite

from cubnm_core.errors import InputError
from cubnm_core.fitting.run import Generation
from cubnm_core.fitting.search_space import SearchSpace
from workflow_scripts.files import archives, job
from workflow_scripts.files.arrays import read_all
from workflow_scripts.files.result_tables import read_table, read_texts
from workflow_scripts.fitting import landscapes
from workflow_scripts.fitting.histories import FileStore, History

SPACE = SearchSpace({"G": (0.0, 3.0), "w_p": (0.2, 2.0)}, {"J_N": 0.15})
KEY, MARK = "sub-01_restart-0", "a1" * 32
TERMS = ("fc_corr", "fcd_ks", "shrinkage")
UNITS = ("sub-01", "sub-02")
SAME, REFUSED, ANEW, WRONG = "the same", "refused in words", "made again", "a wrong number"


def generation(number):
    """Make a generation whose digits differ from those of all others."""
    draw = np.random.default_rng(number)
    terms = {"fc_corr": draw.normal(size=4), "fcd_ks": draw.random(4)}
    status = np.array([0, 0, 1, 0])
    return Generation(number, draw.random((4, 2)), terms, draw.normal(size=4), status, "cpu with vectors")


class DamagedHistory:
    """A history of four generations. What a damage loses at its end is computed again, to the same bytes."""

    def __init__(self, folder):
        self.path = folder / "histories" / f"{KEY}.tsv"
        store = self._store()
        for number in range(4):
            store.append(KEY, generation(number))
        self.content = self.path.read_bytes()

    def _store(self):
        return FileStore(self.path.parent, {KEY: History(MARK, SPACE, TERMS)})

    def outcome(self, content):
        """What becomes of a fit that goes on from a damaged history."""
        overwrite(self.path, content)
        try:
            store = self._store()
            found = store.load(KEY)
            for number in range(len(found), 4):
                store.append(KEY, generation(number))
            same = self.path.read_bytes() == self.content and len(self._store().load(KEY)) == 4
            return WRONG if not same else ANEW if len(found) < 4 else SAME
        except InputError as error:
            return REFUSED if str(self.path) in str(error) else f"an error without the path: {error}"
        finally:
            for other in self.path.parent.iterdir():
                other.unlink()
            self.path.write_bytes(self.content)


class DamagedResults:
    """The kinds of files that rules leave, written by a job and read as later rules read them."""

    def __init__(self, folder):
        results = folder / "results"
        names = ("fits.tsv", "states.tsv", "provenance.json", "batch.npz", "batch.json", "landscape.npz")
        paths = {name: results / name for name in names}
        job.start(SimpleNamespace(log=[], params=SimpleNamespace(), output=list(map(str, paths.values()))))
        draw = np.random.default_rng(5)
        rows = [
            {"participant_id": unit[4:], "session_id": "", "fit": "own", "restart": restart,
             "status": "ok", "cost": draw.normal(), "param_G": draw.random(), "selected": restart == 0}
            for unit in UNITS for restart in range(3)
        ]  # fmt: skip
        job.write_tsv(paths["fits.tsv"], rows)
        job.write_tsv(paths["states.tsv"], [{"label": f"n{k}", "mean": draw.random()} for k in range(12)])
        job.write_json(paths["provenance.json"], {"seeds": draw.random(6), "config": {"dt": 0.001}})
        people = {
            unit: ({"weights": draw.random((5, 5)), "fc": draw.random(10)}, {"status": "ok", "reasons": []})
            for unit in UNITS
        }
        archives.write(paths["batch.npz"], paths["batch.json"], people)
        parts = {"restart": np.arange(4), "points": draw.random((4, 2)), "cost": draw.random(4)}
        parts |= {"values": draw.random((4, 1)), "failed": np.zeros(4, bool)}
        units = {f"{unit}/{name}": values for unit in UNITS for name, values in parts.items()}
        named = {"coordinates": np.array(["G", "w_p"]), "terms": np.array(["fc_corr"])}
        job.write_npz(paths["landscape.npz"], **named, **units)
        self.paths = list(paths.values())
        self.contents = {path: path.read_bytes() for path in self.paths}
        self.expected = {path: _read(path) for path in self.paths}

    def outcome(self, path, content):
        """What becomes of a rule that reads a damaged file."""
        overwrite(path, content)
        try:
            return SAME if _read(path) == self.expected[path] else WRONG
        except InputError as error:
            told = str(path) in str(error) and "remove it" in str(error)
            return REFUSED if told else f"an error without the path: {error}"
        finally:
            path.write_bytes(self.contents[path])


def _read(path):
    """Read a file in every way in which rules do, as text that can be compared."""
    if path.suffix == ".tsv":
        return repr((read_texts(path).to_dict("list"), read_table(path).to_dict("list")))
    if path.name == "provenance.json":
        return repr(job.read_json(path))
    if path.name == "landscape.npz":
        found = {fit: sorted(units) for fit, units in landscapes.by_fit([path]).items()}
        return repr((found, _texts(read_all(path)), [vars(landscapes.read(path, unit)) for unit in UNITS]))
    archive = archives.Archive(path)
    return repr([(archive.records[unit], _texts(archive.arrays(unit))) for unit in UNITS])


def _texts(arrays):
    return {
        name: (values.dtype.str, values.shape, values.tolist()) for name, values in sorted(arrays.items())
    }


def try_histories(folder, count, seed):
    """Damage a history many times: Counter of (damage, outcome)."""
    history, draw = DamagedHistory(folder), np.random.default_rng(seed)
    found = Counter()
    for _ in range(count):
        name, content = damaged(history.content, draw)
        found[name, history.outcome(content)] += 1
    return found


def try_results(folder, count, seed):
    """Damage results of every kind many times: Counter of (kind and damage, outcome)."""
    results, draw = DamagedResults(folder), np.random.default_rng(seed)
    found = Counter()
    for number in range(count):
        path = results.paths[number % len(results.paths)]
        name, content = damaged(results.contents[path], draw)
        found[f"{path.name}, {name}", results.outcome(path, content)] += 1
    return found
