"""tvboptim (JAX) on the CPU, as a program to be measured in an environment of its own; see protocol.py.

The arrangement is the fastest of those tried: a batch by vmap with noise in common, scanned in short blocks,
the state kept every 4 ms and convolved at the end with the haemodynamic response. Compilation is not counted,
and feedback inhibition, clipping and FCD are left out, in its favour.
"""

import os
from importlib.metadata import version

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
from protocol import serve
from tvboptim.experimental.network_dynamics import DenseGraph, Network
from tvboptim.experimental.network_dynamics import prepare as prepare_network
from tvboptim.experimental.network_dynamics.coupling import LinearCoupling
from tvboptim.experimental.network_dynamics.dynamics.tvb import WongWangExcInh
from tvboptim.experimental.network_dynamics.noise import AdditiveNoise
from tvboptim.experimental.network_dynamics.result import NativeSolution
from tvboptim.experimental.network_dynamics.solvers import Euler
from tvboptim.observations import compute_fc
from tvboptim.observations.tvb_monitors.bold import HRFBold
from tvboptim.observations.tvb_monitors.downsampling import SubSampling

MODELS = {"rWW": WongWangExcInh}
TIME_STEP, KEPT_EVERY = 0.1, 4.0  # ms
STRIDE = round(KEPT_EVERY / TIME_STEP)
BLOCK = 10 * STRIDE  # steps


def prepare(model, connectome, batch, precision, seconds, observation):
    """A function that simulates the batch; one is compiled for each case."""
    with jax.enable_x64(precision == "double"):
        weights = jnp.asarray(np.load(connectome))
        network = Network(
            MODELS[model](),
            {"instant": LinearCoupling(incoming_states="S_e")},
            DenseGraph(weights),
            noise=AdditiveNoise(sigma=0.01),
        )
        kept = _kept_states(len(weights))
        steps = {"t0": 0.0, "t1": 1e3 * seconds, "dt": TIME_STEP}
        solve, settings = prepare_network(network, Euler(block_size=BLOCK), **steps, reduce=kept)
    period = 1e3 * observation["repetition_time"]
    monitor = HRFBold(period=period, voi=0, downsample=SubSampling(voi=0, period=KEPT_EVERY))

    def simulate(coupling):
        own = jax.tree.map(lambda leaf: leaf, settings)
        own.dynamics.G = coupling
        states = solve(own)
        times = KEPT_EVERY * jnp.arange(1, len(states) + 1)
        return compute_fc(monitor(NativeSolution(times, states, dt=KEPT_EVERY)))

    compiled = jax.jit(jax.vmap(simulate))

    def run():
        with jax.enable_x64(precision == "double"):
            fc = np.asarray(compiled(jnp.linspace(0.1, 0.3, batch)))
        if fc.dtype.itemsize != {"single": 4, "double": 8}[precision] or not np.isfinite(fc).all():
            raise RuntimeError("a simulation diverged, or was not of the precision asked for")

    return run


def _kept_states(nodes):
    """Reducer that keeps the first state every few milliseconds, so that no trajectory is stored."""

    def start(template, steps):
        return jnp.zeros((steps // STRIDE, 1, nodes)), jnp.array(0)

    def update(kept, block):
        states, count = kept
        new = block[STRIDE - 1 :: STRIDE, :1]
        return jax.lax.dynamic_update_slice(states, new, (count, 0, 0)), count + len(new)

    return start, update, lambda kept: kept[0]


def describe():
    return {"version": version("tvboptim"), "jax": version("jax")}


if __name__ == "__main__":
    serve(prepare, describe)
