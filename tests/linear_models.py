"""Networks whose covariances are known in closed form."""

import numpy as np

ORNSTEIN_UHLENBECK = """
name = "OU"
title = "Ornstein-Uhlenbeck processes"
citation = "Uhlenbeck & Ornstein (1930), Phys Rev 36:823-841"
time_unit = "s"
observation = "direct"
equations = '''
u     = sum(x)
dx/dt = -decay*x + G*u + sigma*xi
'''
noise = ["xi"]
bold_input = "x"
record = ["x"]
units = {u = "1"}
[states]
x = {initial = 0.0, unit = "1", description = "position"}
[parameters]
G = {bounds = [-10.0, 10.0], unit = "1/s", regional = false, description = "coupling"}
decay = {default = 1.0, bounds = [-10.0, 10.0], unit = "1/s", description = "decay"}
sigma = {default = 0.5, bounds = [0.0, 1.0], unit = "1/sqrt(s)", description = "noise amplitude"}
"""


def write_ou(folder):
    """Write the model into a file and return its path."""
    path = folder / "ou.toml"
    path.write_text(ORNSTEIN_UHLENBECK, encoding="utf-8")
    return path


def random_network(nodes, seed=0):
    """A connectome that is not symmetric, and decays and noise amplitudes of its nodes, (1, N) each."""
    rng = np.random.default_rng(seed)
    weights = rng.random((nodes, nodes)) * (1.2 / nodes)
    np.fill_diagonal(weights, 0.0)
    return weights, rng.uniform(1.0, 3.0, (1, nodes)), rng.uniform(0.5, 1.0, (1, nodes))
