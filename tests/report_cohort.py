"""Tables and arrays of a cohort that never was, as the rules before the report would have left them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import report_identifiability
from report_arrays import COLUMNS, IDS, VOLUMES, Arrays
from report_pictures import picture_files

from cubnm_core.measures.connectivity import pair_indices
from workflow_scripts.evidence import compare_fits
from workflow_scripts.files import job
from workflow_scripts.report import person_figures, report

OBJECTIVE = {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5}
MEASURES = ("fc_corr", "fcd_ks", "fc_diff", "fc_normec", "rate_penalty", "cost")
NETWORKS = ("Vis", "SomMot", "DorsAttn", "Default")
# Unit and level of every regional read-out.
READ_OUTS = {
    "S_E": ("1", 0.16),
    "I_E": ("nA", 0.38),
    "r_E": ("Hz", 3.05),
    "S_I": ("1", 0.04),
    "I_I": ("nA", 0.28),
    "r_I": ("Hz", 4.1),
    "wIE": ("nA", 1.9),
    "S_E/S_I": ("1", 4.0),
}


class MadeCohort(Arrays):
    """A cohort with numbers as real ones would be: G can be told, w_p and J_N lie on a ridge.

    Parameters
    ----------
    folder : Path
    people : int
    ids : list of str
        Instead of `people`.
    failed : dict of str to str
        Reason by participant.
    **settings
        What differs from :attr:`USUAL`.
    """

    USUAL = {  # noqa: RUF012
        "fits": ("homogeneous",),
        "splits": ("train", "test"),
        "nodes": 16,
        "pairs": "all",
        "restarts": 2,
        "generations": 6,
        "heldout_r": 0.32,
        "start": None,
        "truth": True,
        "objectives": (),
    }

    def __init__(self, folder, people=6, ids=None, failed=(), **settings):
        self.folder, self.rng = folder, np.random.default_rng(3)
        for name, value in {**self.USUAL, **settings}.items():
            setattr(self, name, value)
        names = ids or [f"{k:02d}" for k in range(1, people + 1)]
        self.ids = [{"unit": f"sub-{name}", "participant_id": name, "session_id": None} for name in names]
        self.failed = {f"sub-{name}": reason for name, reason in dict(failed).items()}
        half = self.nodes // 2
        self.node_table = pd.DataFrame(
            {
                "index": range(self.nodes),
                "label": [f"region_{k}" for k in range(self.nodes)],
                "structure": "cortex",
                "hemisphere": ["L" if k < half else "R" for k in range(self.nodes)],
                "network": [NETWORKS[4 * (k % half) // half] for k in range(self.nodes)],
            }
        )
        hemispheres = self.node_table["hemisphere"].to_numpy()
        self.pair_index = pair_indices(self.nodes, hemispheres, self.pairs)

    def page(self, name="page"):
        """Write the cohort, run the script, read a page of it."""
        sm = self.write()
        report.main(sm)
        with open(getattr(sm.output, name), encoding="utf-8") as file:
            page = file.read()
        assert "could not be generated" not in page
        return page

    def write(self):
        """Write every file and return what Snakemake would give the script."""
        names = (
            "fits",
            "convergence",
            "front",
            "evaluation",
            "states",
            "qc",
            "missing_nodes",
            "exclusions",
            "baselines",
            "recovery",
        )
        paths = {name: str(self.folder / f"results/cohort/{name}.tsv") for name in names}
        for name, path in paths.items():
            columns = [*IDS, *COLUMNS[name].split()] if name in COLUMNS else None
            job.write_tsv(path, getattr(self, f"{name}_rows")(), columns)
        paths |= report_identifiability.write(self)
        paths |= self.write_comparisons(paths)
        if not self.truth:
            paths["recovery"] = []
        paths["provenance"] = str(self.folder / "results/cohort/provenance.json")
        job.write_json(paths["provenance"], self.provenance())
        for name, rows in (("nodes", self.node_table), ("participants", self.participant_rows())):
            paths[name] = str(self.folder / f"{name}.tsv")
            job.write_tsv(paths[name], rows)
        paths |= picture_files(self, paths["nodes"])
        targets, simulations = self.write_arrays()
        drawn = str(self.folder / "results/person_figures/batch-001.zip")
        params = SimpleNamespace(
            units=self.ids,
            analysis={"pairs": self.pairs},
            fits={fit: self.settings(fit) for fit in self.fits},
            splits=list(self.splits),
            holdout="run" if "test" in self.splits else "none",
        )
        by_fit = {name: self.write_by_fit(name) for name in ("convergence", "states")}
        batch = SimpleNamespace(targets=targets, simulations=simulations, nodes=paths["nodes"], **by_fit)
        person_figures.main(SimpleNamespace(input=batch, params=params, output=[drawn], log=[]))
        inputs = SimpleNamespace(**paths, targets=targets, drawings=[drawn])
        pages = {"page": "index.html", "shared": "shared.html", "people": "people"}
        pages |= {"methods": "methods.html", "references": "references.bib"}
        output = SimpleNamespace(
            **{name: str(self.folder / "results/report" / file) for name, file in pages.items()}
        )
        return SimpleNamespace(input=inputs, params=params, output=output, log=[])

    def write_comparisons(self, paths):
        """Compare the made fits as the workflow does."""
        made = ("optimism", "fit_comparison")
        names = {name: str(self.folder / f"results/cohort/{name}.tsv") for name in made}
        output = SimpleNamespace(optimism=names["optimism"], comparison=names["fit_comparison"])
        params = SimpleNamespace(fits={fit: self.settings(fit) for fit in self.fits})
        compare_fits.main(
            SimpleNamespace(input=SimpleNamespace(**paths), output=output, params=params, log=[])
        )
        return names

    def settings(self, fit):
        """Resolved settings of a fit."""
        return {
            "model": "rWW",
            "fic": {"method": "analytical"},
            "delays": False,
            "free": {"G": [0.001, 10.0], "w_p": [0.0, 2.0], "J_N": [0.001, 0.5]},
            "fixed": {},
            "objective": OBJECTIVE,
            "objectives": self.objectives,
            "constraints": {},
            "terms": {},
            "replicates": 1,
            "retest": None,
            "noise_seed": 0,
            "start": self.start,
            "optimizer": {
                "name": "cmaes",
                "population": 16,
                "generations": self.generations,
                "restarts": self.restarts,
                "seed": 1,
            },
            "simulation": {
                "duration": 270.0,
                "burn_in": 30.0,
                "dt": 5e-4,
                "scheme": "euler_maruyama",
                "hemodynamics": "cubnm-1.5T",
            },
            "analysis": {"pairs": self.pairs, "window": 30.0, "window_step": 5.0, "band_pass": None},
        }

    def provenance(self):
        return {
            "written": "2026-05-04T10:00:00",
            "software": {"cubnm_core": "0.1.0", "numpy": "2.4", "snakemake": "9.27", "pymoo": "0.6.2"},
            "seeds": {"noise_seed": 0, "evaluation": "1000-1009"},
            "inputs": {f"{k}.tsv": "ab" * 32 for k in range(20)},
            "config": {
                "connectome": {"source": "individual", "scaling": "subject_mean"},
                "report": {"smallest_group": 5, "people_shown": 4},
                "synthetic": {"participants": len(self.ids)} if self.truth else None,
            },
        }

    def participant_rows(self):
        names = dict.fromkeys(entry["participant_id"] for entry in self.ids)
        groups = ("control", "patient")
        return [{"participant_id": name, "group": groups[k % 2]} for k, name in enumerate(names)]

    def keys(self, entry):
        return {key: entry[key] for key in IDS}

    def well(self):
        """Number and ids of those who did not fail."""
        return [(k, entry) for k, entry in enumerate(self.ids) if entry["unit"] not in self.failed]

    def true(self, k):
        """True parameters of person k: the groups differ in G."""
        w_p, J_N = 0.7 + 0.04 * ((7 * k) % 9), 0.15 + 0.004 * ((5 * k) % 7)
        return {"G": 1.4 + 0.9 * (k % 2) + 0.08 * (k // 2), "w_p": w_p, "J_N": J_N}

    def fits_rows(self):
        people = [(fit, k, entry) for fit in self.fits for k, entry in enumerate(self.ids)]
        return [
            {**self.keys(entry), "fit": fit, "restart": restart, **self.outcome(k, entry, restart)}
            for fit, k, entry in people
            for restart in range(self.restarts)
        ]

    def outcome(self, k, entry, restart):
        """One row of the fits without its keys; the estimates differ along the ridge between restarts."""
        reason = self.failed.get(entry["unit"])
        true, along = self.true(k), self.rng.normal(0, 0.25)
        numbers = {
            **dict(zip(MEASURES, (0.38, 0.12, 0.08, 0.4, 0.01, -0.25 + 0.02 * restart), strict=True)),
            "param_G": true["G"] + 0.12 * self.rng.normal(),
            "param_w_p": true["w_p"] + along,
            "param_J_N": true["J_N"] * np.exp(-0.8 * along),
        }
        return {
            "status": "failed" if reason else "ok",
            "reason": reason,
            "selected": restart == 0 and not reason,
            "generations": self.generations,
            "simulations": 16 * self.generations,
            "stopped": "all generations done",
            **{name: None if reason else value for name, value in numbers.items()},
            "at_bounds": "w_p: low" if k == 2 else None,
            "noise_seed": 0,
            "seconds": 41.3,
        }

    def front_rows(self):
        """Three candidates of everybody on a bent line, the middle one chosen."""
        if not self.objectives:
            return []
        return [
            {
                **self.keys(entry),
                "fit": fit,
                "restart": rank % self.restarts,
                "rank": rank,
                "selected": rank == 0,
                "distance": 0.5 + 0.3 * rank,
                "objective_1": first + 0.01 * k,
                "objective_2": second + 0.01 * k,
            }
            for fit in self.fits
            for k, entry in self.well()
            for rank, (first, second) in enumerate([(-0.35, 0.15), (-0.4, 0.4), (-0.1, 0.1)])
        ]

    def convergence_rows(self):
        rows = []
        for fit in self.fits:
            for _, entry in self.well():
                for restart in range(self.restarts):
                    keys = {**self.keys(entry), "fit": fit, "restart": restart}
                    rows += [{**keys, **row} for row in self.search(restart)]
        return rows

    def search(self, restart):
        steps = np.arange(1, self.generations + 1)
        end = -0.25 + 0.02 * restart + 0.04 * self.rng.normal()
        costs = np.minimum.accumulate(end + 0.5 * np.exp(-steps / 4) + 0.03 * self.rng.random(len(steps)))
        return [
            {
                "generation": step,
                "simulations_so_far": 16 * step,
                "best_cost": cost,
                "median_cost": cost + 0.5 * np.exp(-step / 6),
                "failed": int(step == 1),
            }
            for step, cost in zip(steps, costs, strict=True)
        ]

    def evaluation_rows(self):
        settings = {"n_seeds": 10, "n_failed": 0, "pairs": self.pairs, "band_pass": None, "edges": "drop"}
        settings |= {"window": 30.0, "window_step": 5.0}
        rows = []
        for f, fit in enumerate(self.fits):
            for _, entry in self.well():
                person = 0.05 * self.rng.normal()
                for split in self.splits:
                    keys = {**self.keys(entry), "fit": fit, "split": split, **settings, "seeds": "1000-1009"}
                    values = self.scores(self.heldout_r + person + 0.08 * f, 0.04 * (split == "train"))
                    rows += [
                        {**keys, "measure": name, "mean": value, "sd": 0.02} for name, value in values.items()
                    ]
        return rows

    def scores(self, heldout_r, gap):
        r, ks = heldout_r + gap, 0.14 + 0.03 * abs(self.rng.normal()) - gap / 2
        return dict(zip(MEASURES, (r, ks, 0.08, 0.41, 0.02, ks - r + 0.01), strict=True))

    def baselines_rows(self):
        rows = []
        for _, entry in self.well():
            for split in self.splits:
                values = {"sc_fc": (0.24, 0.02), "group_mean_fc": (0.68, 0.03)}
                if split == "test":
                    values |= {"scan_rescan_fc": (0.8, 0.05), "scan_rescan_ks": (0.1, 0.005)}
                keys = {**self.keys(entry), "split": split, "pairs": self.pairs, "n": len(self.ids) - 1}
                rows += [
                    {**keys, "measure": name, "value": mean + sd * self.rng.normal()}
                    for name, (mean, sd) in values.items()
                ]
                rows += self.fitted_baselines(keys, split)
        return rows

    def fitted_baselines(self, keys, split):
        """A distance rule, and a global signal with the cost of every fit; both differ a little by person."""
        little = 0.01 * np.cos(int("".join(filter(str.isdigit, keys["participant_id"])) or 0))
        lost = 0.02 * (split == "test")
        rule = {**keys, "measure": "distance_fc", "value": 0.2 - lost + little, "note": "made lengths"}
        signal = {"global_signal_fc": little, "global_signal_ks": 0.3 + lost + little}
        signal["global_signal_cost"] = signal["global_signal_ks"] - signal["global_signal_fc"]
        return [rule] + [
            {**keys, "fit": fit, "measure": name, "value": value, "sd": 0.01, "n_seeds": 10}
            for fit in self.fits
            for name, value in signal.items()
        ]

    def states_rows(self):
        return [
            {
                **self.keys(entry),
                "fit": fit,
                "label": node.label,
                "hemisphere": node.hemisphere,
                "variable": variable,
                "mean": level * (1 + 0.05 * self.rng.normal()),
                "sd": 0.01 * level,
                "unit": unit,
            }
            for fit in self.fits
            for _, entry in self.well()
            for variable, (unit, level) in READ_OUTS.items()
            for node in self.node_table.itertuples()
        ]

    def qc_rows(self):
        found = {"nodes": self.nodes, "density": 0.41, "volumes_train": VOLUMES, "repetition_time": 1.0}
        rows = [{**self.keys(entry), "bold": "ok", **found, "notes": None} for entry in self.ids]
        for number, row in enumerate(rows):
            unlike = number == 1
            row |= {"sc_similarity": 0.1 if unlike else 0.9 + 0.01 * number, "raw_sum": 1e5 + 1e3 * number}
            row |= {"shortest_run": 600.0, "mean_fd": None, "missing_nodes": int(unlike)}
            row["flags"] = "unlike the connectomes of the others" if unlike else None
        return rows

    def missing_nodes_rows(self):
        entry = self.ids[min(1, len(self.ids) - 1)]
        found = {"kind": "bold", "run_id": "1", "label": "region_99", "excluded": False, "dropped": True}
        return [{**self.keys(entry), **found}]

    def exclusions_rows(self):
        return [
            {**self.keys(entry), "stage": "fit", "fit": None, "reason": self.failed[entry["unit"]]}
            for entry in self.ids
            if entry["unit"] in self.failed
        ]

    def recovery_rows(self):
        error = {"G": 0.03, "w_p": 0.4, "J_N": 0.4}
        return [
            {
                **self.keys(entry),
                "fit": fit,
                "parameter": name,
                "truth": value,
                "estimate": value * (1 + error[name] * self.rng.normal()),
            }
            for fit in self.fits
            for k, entry in self.well()
            for name, value in self.true(k).items()
        ]
