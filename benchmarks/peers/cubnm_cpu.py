"""cuBNM on the CPU, as a program to be measured in an environment of its own; see protocol.py.

Its noise is drawn when a case is prepared, and thus not counted, in its favour.
"""

import os
from importlib.metadata import version

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
from cubnm import sim
from protocol import serve

NOISE_SEGMENT = 1  # s; repeated over the duration
ANY = 2.0  # s; of windows where there is no FCD


def prepare(model, connectome, batch, precision, seconds, observation, lengths=None, velocity=None):
    """Everything a fit needs: feedback inhibition, BOLD, FC and FCD; always in double precision.

    Without windows among the observations, FC and FCD are left out.
    """
    with_fc = "window" in observation
    group = getattr(sim, f"{model}SimGroup")(
        duration=int(seconds),
        TR=observation["repetition_time"],
        sc=np.load(connectome),
        sc_dist=None if lengths is None else np.load(lengths),
        bold_remove_s=observation["burn_in"],
        do_fc=with_fc,
        do_fcd=with_fc,
        gof_terms=[],
        window_size=observation.get("window", ANY),
        window_step=observation.get("window_step", ANY),
        noise_segment_length=NOISE_SEGMENT,
        force_cpu=True,
    )
    group.N = batch
    group.param_lists["G"] = np.linspace(0.3, 0.8, batch)
    if velocity is not None:
        group.param_lists["v"] = np.full(batch, velocity)
    group._set_default_params(missing=True)
    return group.run


def describe():
    return {"version": version("cubnm")}


if __name__ == "__main__":
    serve(prepare, describe)
