"""What the parts of the GPU benchmark share: cases, rows of tables, and the card that other programs see."""

import os
import time
from contextlib import contextmanager

import numpy as np

from cubnm_core.backends.cuda import devices, plan

LIMIT = 540.0  # s of a command, after which no case begins


def tried(options, case, measure, *arguments):
    """A row of a table: the case with what was measured, or how it failed, which costs no other case."""
    try:
        if time.monotonic() > options.ends:
            raise TimeoutError(f"not begun after {LIMIT:.0f} s of this command")
        row = {**case, **measure(*arguments)}
    except Exception as error:
        row = {**case, "failed": f"{type(error).__name__}: {error}"}
    print(row, flush=True)
    return row


def connectome(nodes, seed=0):
    """A made-up connectome: log-normal weights, a quarter of the pairs, mean incoming weight 1."""
    rng = np.random.default_rng(seed)
    weights = np.exp(rng.normal(0, 1, (nodes, nodes)).astype(np.float32))
    weights *= rng.random((nodes, nodes), np.float32) < 0.25
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(axis=0).mean()


def make_case(model, delayed, nodes=37, size=5):
    """Two connectomes, an odd number of nodes, a tile that is not full."""
    weights = np.stack([connectome(nodes, seed) for seed in (1, 2)])
    scale = 0.01 if model == "Kuramoto" else 1.0  # below chaos, where rounding would part two programs
    params = {"G": np.linspace(0.2, 1.0, size) * scale}
    keywords = {
        "connectome": np.arange(size) % 2, "seed": np.arange(size) // 2, "duration": 1.0, "burn_in": 0.25,
        "repetition_time": 0.125, "dt": 1e-4, "record": ("bold", "state_means"), "state_period": 0.005,
        "hemodynamics": "cubnm-1.5T",
    }  # fmt: skip
    if delayed:
        keywords["lengths"] = np.random.default_rng(3).uniform(0, 100, weights.shape)
        params["v"] = np.repeat([5.0, 8.0], size)[:size]
    return (model, weights, params), keywords


@contextmanager
def only(form):
    """Every batch runs in this form."""
    original = plan.choose_form
    plan.choose_form = lambda *arguments: form
    try:
        yield
    finally:
        plan.choose_form = original


def peer_environment():
    """Shows another program the card that this one holds, and leaves it the memory."""
    import cupy

    cupy.get_default_memory_pool().free_all_blocks()
    index, visible = devices.current().index, os.environ.get("CUDA_VISIBLE_DEVICES")
    return {**os.environ, "CUDA_VISIBLE_DEVICES": visible.split(",")[index] if visible else str(index)}
