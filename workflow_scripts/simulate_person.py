"""Simulate a fitted person: `python -m workflow_scripts.simulate_person results sub-01 homogeneous --seed 5`.

Reads the tables of the cohort, so the connectome, the parameters and every setting are those of the fit.
"""

import argparse
import sys

from cubnm_core.errors import InputError
from workflow_scripts.files import job
from workflow_scripts.terminal.fitted_person import simulate_person

__all__ = ["main", "simulate_person"]


def main(arguments=None):
    """Simulate from the command line and write what was simulated."""
    parser = argparse.ArgumentParser(description="Simulate a fitted person again, with any noise seed.")
    parser.add_argument("results", help="folder of results of a finished workflow")
    parser.add_argument("unit", help="such as sub-01 or sub-01_ses-a")
    parser.add_argument("fit", help="name of a fit setting, such as homogeneous")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--output", help="npz file to write (default: UNIT_FIT_seed-SEED.npz)")
    given = parser.parse_args(arguments)
    try:
        run = simulate_person(given.results, given.unit, given.fit, seed=given.seed)
    except (InputError, OSError) as error:
        sys.exit(str(error))
    path = given.output or f"{given.unit}_{given.fit}_seed-{given.seed}.npz"
    means = {f"mean_{name}": values[0] for name, values in run.state_means.items()}
    params = {f"param_{name}": values[0] for name, values in run.params.items()}
    job.write_npz(path, bold=run.bold[0, run.n_burn_in :], fc=run.fc[0], fcd=run.fcd[0], **means, **params)
    print(f"{path}: bold (volumes, nodes), fc, fcd, means of states, parameters; status {run.status[0]}")


if __name__ == "__main__":
    main()
