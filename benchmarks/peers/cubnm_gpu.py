"""cuBNM 0.1.0: ``cubnm_gpu.py connectome.npy batch dt seconds [cpu]`` prints a line of JSON."""

import json
import sys

import numpy as np
from cubnm import sim


def main():
    """Simulated seconds per second by cuBNM's own clock, which starts when the noise is drawn."""
    path, batch, dt, seconds, *place = sys.argv[1:]
    batch, seconds = int(batch), float(seconds)
    group = sim.rWWSimGroup(
        duration=seconds, TR=1.0, sc=np.load(path).astype(float), dt=f"{1e3 * float(dt):g}", bw_dt="1.0",
        noise_segment_length=min(30.0, seconds), do_fic=False, do_fc=False, do_fcd=False, gof_terms=[],
        bold_remove_s=0, force_gpu=not place, force_cpu=bool(place),
    )  # fmt: skip
    group.N = batch
    group.param_lists["G"] = np.linspace(0.0, 2.0, batch)
    group._set_default_params(missing=True)
    group.run()
    print(json.dumps({"rate": batch * seconds / group.run_time, "start": group.init_time}))


if __name__ == "__main__":
    main()
