"""What the tests of the kernels run, and where: always this CPU, and a card where there is one."""

from dataclasses import replace

import numpy as np
import on_cpu
import pytest

from cubnm_core.backends.cuda import runtime
from cubnm_core.backends.cuda.forms import Form

MODELS = ("rWW", "rWWEx", "WC", "JR", "Kuramoto", "Hopf", "MPR")
NODES, SIZE = 13, 5
#: All forms of the kernels: wide with the connectome in shared memory or not, narrow, one launch a step.
FORMS = {
    "shared-4x2": Form(1, 4, 4, 2, "shared"),
    "shared-4x4": Form(1, 8, 4, 4, "shared"),
    "shared-1x1": Form(1, 1, 1, 1, "shared"),
    "memory-2x2": Form(1, 4, 2, 2, "memory"),
    "memory-4x1": Form(1, 2, 4, 1, "memory"),
    "registers-1": Form(1, 1, 1, 1, "registers", split=1),
    "registers-2": Form(1, 1, 1, 1, "registers", split=2),
    "registers-4": Form(1, 1, 1, 1, "registers", split=4),
    "stepwise-4x2": Form(1, 4, 4, 2, "memory", stepwise=True),
    "stepwise-1x1": Form(1, 1, 1, 1, "memory", stepwise=True),
    "stepwise-2x1-4": Form(1, 2, 2, 1, "memory", split=4, stepwise=True),
}
DELAYED_FORMS = [name for name in FORMS if not name.startswith("registers")]


def _cpu(folder):
    if reason := on_cpu.missing():
        pytest.skip(reason)
    return on_cpu.CpuDevice(folder)


def _card(folder):
    from cubnm_core.backends.cuda import devices

    if reason := devices.unavailable():
        pytest.skip(reason)
    from cubnm_core.backends.cuda.card import Card

    card = Card(devices.usable_devices()[0])  # without a lease: workers of pytest would wait for each other
    card.use()
    return card


DEVICES = [pytest.param(_cpu, id="cpu"), pytest.param(_card, id="card", marks=pytest.mark.gpu)]


class Backend:
    """The cuda backend on a device, in one of the forms above, or None for the one that it chooses."""

    def __init__(self, device, form):
        self.device, self.form = device, form

    def run(self, task, precision, threads, on_result):
        form = self.form and replace(
            FORMS[self.form],
            nodes=task.nodes,
            delayed=task.lengths is not None,
            inner_steps=task.schedule.inner_steps,
            state_interval=task.schedule.state_interval,
        )
        runtime.run(task, precision, threads, on_result, device=self.device, form=form)


def batch(model, nodes=NODES, size=SIZE, delayed=False, **settings):
    """Arguments of `simulate`: two connectomes, some seeds, a few volumes."""
    rng = np.random.default_rng(5)
    weights = rng.random((2, nodes, nodes)) * (rng.random((2, nodes, nodes)) < 0.4)
    weights[:, range(nodes), range(nodes)] = 0.0
    weights /= weights.sum(axis=1).mean()
    params = {"G": np.linspace(0.2, 1.2, size) * (0.01 if model == "Kuramoto" else 1.0)}  # below chaos
    keywords = {
        "connectome": np.arange(size) % 2,
        "seed": np.arange(size) // 3,
        "duration": 1.5, "burn_in": 0.25, "repetition_time": 0.125, "dt": 1e-4 if model == "MPR" else 5e-4,
        "window": 0.5, "window_step": 0.125, "state_period": 0.005, "hemodynamics": "cubnm-1.5T",
        "record": ("bold", "fc", "fcd", "state_means", "states"),
    }  # fmt: skip
    if delayed:
        lengths = 40.0 * rng.random((2, nodes, nodes))
        keywords["lengths"], params["v"] = lengths, np.array([4.0, 4.0, 4.0, 8.0, 2.0] * size)[:size]
    return (model, weights, params), {**keywords, **settings}
