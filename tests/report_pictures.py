"""What pictures of the report of a synthetic cohort are drawn from: brain maps and candidates."""

import numpy as np

from workflow_scripts.cohort import tables
from workflow_scripts.files import job
from workflow_scripts.report import brain

CANDIDATES = 60  # per restart
VALLEY = 0.4  # costs rise with the distance from the true parameters, in ranges of the search


def picture_files(made, nodes):
    """Write both; give the paths by the name of the input of the rule.

    Parameters
    ----------
    made : report_cohort.MadeCohort
    nodes : str
        Path of the node table.
    """
    drawn = str(made.folder / "results/cohort/brain.npz")
    brain.write(drawn, tables.read_nodes(nodes))
    return {"brain": drawn, "landscapes": [write_landscape(made, fit) for fit in made.fits]}


def write_landscape(made, fit):
    """Write candidates of everybody who did not fail; the first of each failed."""
    rng, free = np.random.default_rng(5), made.settings(fit)["free"]
    low, high = np.array(list(free.values())).T
    arrays = {"coordinates": np.array(list(free)), "terms": np.array(["fc_corr", "fcd_ks"])}
    count = CANDIDATES * made.restarts
    for k, entry in made.well():
        points = low + (high - low) * rng.random((count, len(free)))
        true = np.array([made.true(k)[name] for name in free])
        cost = np.linalg.norm((points - true) / (high - low), axis=1) / VALLEY - 1
        found = {
            "restart": np.repeat(range(made.restarts), CANDIDATES),
            "points": points,
            "cost": cost,
            "values": np.stack([-cost, cost], axis=1),
            "failed": np.arange(count) == 0,
        }
        arrays |= {f"{entry['unit']}/{name}": array for name, array in found.items()}
    path = str(made.folder / f"results/fits/{fit}/batch-001_landscape.npz")
    job.write_npz(path, **arrays)
    return path
