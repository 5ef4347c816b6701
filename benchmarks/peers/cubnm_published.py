"""Simulate one point with cuBNM 0.1.0 on the CPU, in its environment: `cubnm_published.py IN.npz OUT.npz`.

IN holds the connectome `weights` (N, N), `G`, `w_p` (N,), `J_N` (N,) and noise `seeds`; OUT gets `fc` and
`fcd`, a row for every seed.
"""

import sys

import numpy as np
from cubnm.sim import rWWSimGroup

PROTOCOL = {
    "duration": 900,
    "TR": 0.72,
    "dt": "0.1",
    "bw_dt": "1.0",
    "window_size": 30,
    "window_step": 5,
    "exc_interhemispheric": True,
    "bw_params": "heinzle2016-3T",
    "do_fic": True,
    "force_cpu": True,
    "states_ts": False,
}


def main(source, output):
    given = np.load(source)
    runs = [simulated(given, int(seed)) for seed in given["seeds"]]
    np.savez(output, fc=np.array([run[0] for run in runs]), fcd=np.array([run[1] for run in runs]))


def simulated(given, seed):
    """FC and FCD of one simulation."""
    group = rWWSimGroup(sc=given["weights"], sim_seed=seed, **PROTOCOL)
    group.N = 1
    group.param_lists["G"] = np.atleast_1d(given["G"])
    for name in ("w_p", "J_N"):
        group.param_lists[name] = given[name][None]
    group._set_default_params()
    group.run()
    return group.sim_fc_trils[0], group.sim_fcd_trils[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
