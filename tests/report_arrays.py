"""What a cohort that never was has batch by batch: empirical targets, simulations, tables of fits."""

import numpy as np

from cubnm_core.measures.connectivity import (
    functional_connectivity,
    functional_connectivity_dynamics,
    sliding_windows,
)
from workflow_scripts.files import archives, job

IDS = ("participant_id", "session_id")
# Columns of the tables that may have no row.
COLUMNS = {
    "exclusions": "stage fit reason",
    "states": "fit label hemisphere variable mean sd unit",
    "evaluation": "fit split measure mean sd n_seeds n_failed pairs band_pass window window_step edges seeds",
    "convergence": "fit restart generation simulations_so_far best_cost median_cost failed",
    "front": "fit restart rank selected distance objective_1 objective_2 fc_corr fcd_ks param_G",
    "baselines": "fit split measure value sd n_seeds n pairs note",
    "recovery": "fit parameter truth estimate",
}
VOLUMES = 220
WINDOWS = 38


class Arrays:
    """What a synthetic cohort writes besides its tables."""

    def write_arrays(self):
        """Write targets and simulations; networks drive their regions, the simulation a little less so."""
        half = self.nodes // 2
        networks = 4 * (np.arange(self.nodes) % half) // half
        base = 0.9 * (np.arange(4)[:, None] == networks) + 0.25 * self.rng.random((4, self.nodes))
        targets, simulations = [], []
        excluded = {"status": "excluded", "reasons": ["no scan"]}
        found = {split: {entry["unit"]: ({}, excluded) for entry in self.ids} for split in self.splits}
        for _, entry in self.well():
            mixing = base + 0.2 * self.rng.normal(size=base.shape)
            for split in self.splits:
                arrays = self.features(self.bold(mixing))
                record = {"status": "ok", "reasons": [], "windows": WINDOWS}
                found[split][entry["unit"]] = arrays, record
        for split, people in found.items():
            stem = self.folder / f"results/targets/batch-001_split-{split}_target"
            targets.append(f"{stem}.npz")
            archives.write(f"{stem}.npz", f"{stem}.json", people)
        for fit in self.fits:
            arrays = {}
            for _, entry in self.well():
                bold = self.bold(0.4 * base + 0.25 * self.rng.random(base.shape))
                found = {"bold": bold, **self.features(bold)}
                arrays |= {f"{entry['unit']}/{name}": value for name, value in found.items()}
            simulations.append(str(self.folder / f"results/evaluation/{fit}/batch-001_simulations.npz"))
            job.write_npz(simulations[-1], **arrays)
        return targets, simulations

    def bold(self, mixing):
        slow = np.cumsum(self.rng.normal(size=(VOLUMES, len(mixing))), axis=0)
        slow -= np.linspace(0, 1, VOLUMES)[:, None] * slow[-1]
        return slow @ mixing / 6 + self.rng.normal(size=(VOLUMES, self.nodes))

    def features(self, bold):
        windows = sliding_windows(len(bold), 1.0, 30.0, 5.0)
        fcd = functional_connectivity_dynamics(bold, self.pair_index, *windows)
        return {"fc": functional_connectivity(bold, self.pair_index), "fcd": fcd}

    def write_by_fit(self, name):
        """Write the rows of every fit of the batch, as the rules before those of the cohort do."""
        paths = []
        for fit in self.fits:
            paths.append(str(self.folder / f"results/{fit}/batch-001_{name}.tsv"))
            rows = [row for row in getattr(self, f"{name}_rows")() if row["fit"] == fit]
            job.write_tsv(paths[-1], rows, [*IDS, *COLUMNS[name].split()])
        return paths
