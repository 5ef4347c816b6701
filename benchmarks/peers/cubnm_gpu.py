"""cuBNM 0.1.0: ``cubnm_gpu.py connectome.npy seconds gpu|cpu batch ...`` prints a line of JSON a batch."""

import json
import sys
import time

import numpy as np
from cubnm import sim


def rate(weights, seconds, device, batch):
    """Simulated seconds per second: no feedback inhibition, no FC and FCD; the noise is drawn before."""
    group = sim.rWWSimGroup(
        duration=seconds, TR=1.0, sc=weights, do_fic=False, do_fc=False, do_fcd=False, gof_terms=[],
        force_gpu=device == "gpu", force_cpu=device == "cpu",
    )  # fmt: skip
    group.N = batch
    group.param_lists["G"] = np.linspace(0.0, 2.0, batch)
    group._set_default_params(missing=True)
    group.run()
    started = time.perf_counter()
    group.run()
    return batch * seconds / (time.perf_counter() - started)


def main():
    path, seconds, device, *batches = sys.argv[1:]
    weights = np.load(path).astype(float)
    for batch in map(int, batches):
        try:
            row = {"batch": batch, "rate": rate(weights, float(seconds), device, batch)}
        except Exception as error:  # one batch too large must not cost the others
            row = {"batch": batch, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
