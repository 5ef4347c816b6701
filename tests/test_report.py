"""The report from made tables: what must be on the page, what must not, and that it needs nothing but itself."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cubnm_core.connectivity import (
    functional_connectivity,
    functional_connectivity_dynamics,
    pair_indices,
    sliding_windows,
)
from workflow_scripts import job, report
from workflow_scripts.reporting import scores

MEASURES = ("fc_corr", "fcd_ks", "fc_diff", "fc_normec", "rate_penalty", "cost")
EMPTY_COLUMNS = {
    "exclusions": ["participant_id", "session_id", "stage", "reason"],
    "states": ["participant_id", "session_id", "fit", "label", "hemisphere", "variable", "mean", "sd", "unit"],
    "evaluation": ["participant_id", "session_id", "fit", "split", "measure", "mean", "sd", "n_seeds", "pairs", "band_pass",
                   "window", "window_step", "seeds"],
    "convergence": ["participant_id", "session_id", "fit", "restart", "generation", "simulations_so_far", "best_cost",
                    "median_cost", "failed"],
    "baselines": ["participant_id", "session_id", "split", "measure", "value", "pairs", "n"],
    "recovery": ["participant_id", "session_id", "fit", "parameter", "truth", "estimate"],
}


class MadeCohort:
    """Tables and arrays of a cohort that never was, with numbers as real ones would be."""

    def __init__(self, folder, people=6, fits=("homogeneous",), nodes=16, splits=("train", "test"), heldout_r=0.32,
                 failed=(), restarts=2, truth=True, pairs="all", ids=None, generations=6):
        self.folder, self.fits, self.splits, self.pairs, self.restarts = folder, list(fits), list(splits), pairs, restarts
        self.generations, self.heldout_r, self.truth = generations, heldout_r, truth
        self.rng = np.random.default_rng(3)
        self.ids = [{"unit": f"sub-{name}", "participant_id": name, "session_id": None}
                    for name in (ids or [f"{k:02d}" for k in range(1, people + 1)])]
        self.failed = {f"sub-{name}": reason for name, reason in dict(failed).items()}
        self.nodes = pd.DataFrame({
            "index": range(nodes), "label": [f"region_{k}" for k in range(nodes)], "structure": "cortex",
            "hemisphere": ["L"] * (nodes // 2) + ["R"] * (nodes - nodes // 2),
            "network": [("Vis", "SomMot", "DorsAttn", "Default")[4 * (k % (nodes // 2)) // (nodes // 2) % 4] for k in range(nodes)],
        })
        self.pair_index = pair_indices(nodes, self.nodes["hemisphere"].to_numpy(), pairs)

    def write(self):
        """Write every file and return what Snakemake would give the script."""
        tables = {name: getattr(self, f"_{name}")() for name in ("fits", "convergence", "evaluation", "states", "qc", "exclusions",
                                                                 "baselines", "recovery")}
        paths = {}
        for name, rows in tables.items():
            paths[name] = str(self.folder / "results" / "cohort" / f"{name}.tsv")
            job.write_tsv(paths[name], rows, EMPTY_COLUMNS.get(name))
        if not self.truth:
            paths["recovery"] = []
        job.write_json(self.folder / "results" / "cohort" / "provenance.json", self._provenance())
        job.write_tsv(self.folder / "nodes.tsv", self.nodes)
        groups = [{"participant_id": entry["participant_id"], "group": ("control", "patient")[k % 2]} for k, entry in enumerate(self.ids)]
        job.write_tsv(self.folder / "participants.tsv", groups)
        targets, simulations = self._arrays()
        inputs = SimpleNamespace(**paths, provenance=str(self.folder / "results/cohort/provenance.json"), targets=targets,
                                 simulations=simulations, nodes=str(self.folder / "nodes.tsv"),
                                 participants=str(self.folder / "participants.tsv"))
        params = SimpleNamespace(units=self.ids, fits={fit: self._settings(fit) for fit in self.fits}, splits=self.splits,
                                 holdout="run" if "test" in self.splits else "none")
        return SimpleNamespace(input=inputs, params=params, output=[str(self.folder / "results/report/index.html")], log=[])

    def page(self):
        """Write the cohort, run the script, read the page."""
        sm = self.write()
        report.main(sm)
        with open(sm.output[0], encoding="utf-8") as file:
            return file.read()

    def _settings(self, fit):
        return {"model": "rWW", "fic": "analytical", "free": {"G": [0.001, 10.0], "w_p": [0.0, 2.0], "J_N": [0.001, 0.5]}, "fixed": {},
                "objective": {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5}, "noise_seed": 0,
                "optimizer": {"name": "cmaes", "population": 16, "generations": self.generations, "restarts": self.restarts, "seed": 1},
                "simulation": {"duration": 270.0, "burn_in": 30.0, "dt": 5e-4, "hemodynamic_dt": 5e-3, "hemodynamics": "friston2003"},
                "analysis": {"pairs": self.pairs, "window": 30.0, "window_step": 5.0, "band_pass": None}}

    def _provenance(self):
        return {"versions": {"cubnm_core": "0.1.0", "numpy": np.__version__, "python": "3.12.1"}, "started": "2026-05-04T10:00:00",
                "seeds": {"noise_seed": 0, "evaluation": "1000-1009"}, "inputs": {f"{k}.tsv": "ab" * 32 for k in range(20)},
                "config": {"manifest": "config/manifest.tsv", "connectome": {"source": "individual", "scaling": "subject_mean"},
                           "synthetic": {"participants": len(self.ids)} if self.truth else None}}

    def _well(self):
        return [(k, entry) for k, entry in enumerate(self.ids) if entry["unit"] not in self.failed]

    def _keys(self, entry):
        return {"participant_id": entry["participant_id"], "session_id": entry["session_id"]}

    def _true(self, k):
        return {"G": 1.4 + 0.9 * (k % 2) + 0.08 * (k // 2), "w_p": 0.7 + 0.04 * ((7 * k) % 9), "J_N": 0.15 + 0.004 * ((5 * k) % 7)}

    def _fits(self):
        rows = []
        for fit in self.fits:
            for k, entry in enumerate(self.ids):
                ridge = self.rng.normal(0, 0.25, self.restarts)
                for restart in range(self.restarts):
                    true = self._true(k)
                    estimates = {"param_G": true["G"] + 0.12 * self.rng.normal(), "param_w_p": true["w_p"] + ridge[restart],
                                 "param_J_N": true["J_N"] * np.exp(-0.8 * ridge[restart])}
                    reason = self.failed.get(entry["unit"])
                    scores_ = {"cost": -0.25 + 0.02 * restart, "fc_corr": 0.38, "fcd_ks": 0.12, "fc_diff": 0.08, "fc_normec": 0.4,
                               "rate_penalty": 0.01}
                    rows.append({**self._keys(entry), "fit": fit, "restart": restart, "status": "failed" if reason else "ok",
                                 "reason": reason, "selected": restart == 0 and not reason, "generations": self.generations,
                                 "simulations": 16 * self.generations, "stopped": "generations",
                                 **{name: None if reason else value for name, value in {**scores_, **estimates}.items()},
                                 "at_bounds": "w_p:low" if k == 2 else None, "noise_seed": 0, "seconds": 41.3, "fingerprint": "ab12"})
        return rows

    def _convergence(self):
        rows = []
        for fit in self.fits:
            for _, entry in self._well():
                for restart in range(self.restarts):
                    end = -0.25 + 0.02 * restart + 0.04 * self.rng.normal()
                    steps = np.arange(1, self.generations + 1)
                    best = np.minimum.accumulate(end + 0.5 * np.exp(-steps / 4) + 0.03 * self.rng.random(len(steps)))
                    rows += [{**self._keys(entry), "fit": fit, "restart": restart, "generation": step, "simulations_so_far": 16 * step,
                              "best_cost": cost, "median_cost": cost + 0.5 * np.exp(-step / 6), "failed": int(step == 1)}
                             for step, cost in zip(steps, best, strict=True)]
        return rows

    def _evaluation(self):
        rows = []
        for f, fit in enumerate(self.fits):
            for _, entry in self._well():
                person = 0.05 * self.rng.normal()
                for split in self.splits:
                    gap = 0.04 if split == "train" else 0.0
                    r = self.heldout_r + person + gap + 0.08 * f
                    ks = 0.14 + 0.03 * abs(self.rng.normal()) - gap / 2
                    values = dict(zip(MEASURES, (r, ks, 0.08, 0.41, 0.02, ks - r + 0.01), strict=True))
                    rows += [{**self._keys(entry), "fit": fit, "split": split, "measure": measure, "mean": value, "sd": 0.02, "n_seeds": 10,
                              "pairs": self.pairs, "band_pass": None, "window": 30.0, "window_step": 5.0, "seeds": "1000-1009"}
                             for measure, value in values.items()]
        return rows

    def _baselines(self):
        rows = []
        for _, entry in self._well():
            for split in self.splits:
                values = {"sc_fc": 0.24 + 0.02 * self.rng.normal(), "group_mean_fc": 0.68 + 0.03 * self.rng.normal()}
                if split == "test":
                    values |= {"scan_rescan_fc": 0.8 + 0.05 * self.rng.normal(), "scan_rescan_ks": 0.1 + 0.01 * self.rng.random()}
                rows += [{**self._keys(entry), "split": split, "measure": measure, "value": value, "pairs": self.pairs, "n": len(self.ids)}
                         for measure, value in values.items()]
        return rows

    def _states(self):
        units = {"S_E": "1", "I_E": "nA", "r_E": "Hz", "S_I": "1", "I_I": "nA", "r_I": "Hz", "wIE": "nA", "S_E/S_I": "1"}
        level = {"S_E": 0.16, "I_E": 0.38, "r_E": 3.05, "S_I": 0.04, "I_I": 0.28, "r_I": 4.1, "wIE": 1.9, "S_E/S_I": 4.0}
        return [{**self._keys(entry), "fit": fit, "label": node.label, "hemisphere": node.hemisphere, "variable": variable,
                 "mean": level[variable] * (1 + 0.05 * self.rng.normal()), "sd": 0.01 * level[variable], "unit": unit}
                for fit in self.fits for _, entry in self._well() for variable, unit in units.items() for node in self.nodes.itertuples()]

    def _qc(self):
        return [{**self._keys(entry), "nodes": len(self.nodes), "density": 0.41, "isolated_nodes": 0, "volumes": 240,
                 "repetition_time": 1.0, "mean_fc": 0.31, "note": None} for entry in self.ids]

    def _exclusions(self):
        return [{**self._keys(entry), "stage": "fit", "reason": self.failed[entry["unit"]]}
                for entry in self.ids if entry["unit"] in self.failed]

    def _recovery(self):
        return [{**self._keys(entry), "fit": fit, "parameter": name, "truth": value,
                 "estimate": value * (1 + (0.03 if name == "G" else 0.4) * self.rng.normal())}
                for fit in self.fits for k, entry in self._well() for name, value in self._true(k).items()] if self.truth else []

    def _bold(self, mixing, volumes):
        slow = np.cumsum(self.rng.normal(size=(volumes, mixing.shape[0])), axis=0)
        slow -= np.linspace(0, 1, volumes)[:, None] * slow[-1]
        return slow @ mixing / 6 + self.rng.normal(size=(volumes, mixing.shape[1]))

    def _features(self, bold):
        windows = sliding_windows(len(bold), 1.0, 30.0, 5.0)
        return {"fc": functional_connectivity(bold, self.pair_index),
                "fcd": functional_connectivity_dynamics(bold, self.pair_index, *windows)}

    def _arrays(self):
        networks = self.nodes["network"].astype("category").cat.codes.to_numpy()
        base = 0.9 * (np.arange(4)[:, None] == networks) + 0.25 * self.rng.random((4, len(networks)))
        targets, simulations = [], []
        for _, entry in self._well():
            mixing = base + 0.2 * self.rng.normal(size=base.shape)
            for split in self.splits:
                targets.append(str(self.folder / f"results/targets/{entry['unit']}_split-{split}_target.npz"))
                job.write_npz(targets[-1], **self._features(self._bold(mixing, 220)))
        for fit in self.fits:
            arrays = {}
            for _, entry in self._well():
                bold = self._bold(0.4 * base + 0.25 * self.rng.random(base.shape), 220)
                arrays |= {f"{entry['unit']}/{name}": value for name, value in {"bold": bold, **self._features(bold)}.items()}
            simulations.append(str(self.folder / f"results/evaluation/{fit}/batch-1_simulations.npz"))
            job.write_npz(simulations[-1], **arrays)
        return targets, simulations
