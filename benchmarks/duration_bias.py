"""KS distance of FCD between a model and itself, if scans and simulations differ in length or in volumes.

``python benchmarks/duration_bias.py`` takes a minute of one core. See README.md in this folder.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np

from cubnm_core import simulate
from cubnm_core.connectomes import synthetic
from cubnm_core.measures.distances import kolmogorov_smirnov
from cubnm_core.measures.pieces import lay_out
from workflow_scripts.fitting.durations import expected_bias

HERE = Path(__file__).resolve().parent
NODES, COUPLING, COUNT = 40, 1.5, 24
REPETITION_TIME, VOLUMES, BURN_IN = 0.72, 1200, 30.0  # 864 s after the burn-in
RUNS = {"2 x 432 s": [600, 600], "3 x 288 s": [400] * 3, "4 x 216 s": [300] * 4}
WINDOWS = (30.0, 60.0)
BAND, CENSORED, BURST = (0.01, 0.1), 0.2, 5
WHOLE, LONG = lay_out([VOLUMES]), "1 x 864 s"

_TEXT = """\
# FCD of scans and simulations of different length

{date}, `python benchmarks/duration_bias.py`. The reduced Wong–Wang model ({nodes} nodes, synthetic
connectome, G {coupling}, analytical inhibition) is its own scan: {count} scans and {count} simulations of
864 s at a repetition time of {time} s, under different noise; runs of scans are independent of each other.
KS: mean distance of the FCD over scans, each compared with all simulations. Bias: KS distance between all
scans pooled and all simulations pooled, in which the spread of single scans has gone. Expected: what the
workflow says of a stated duration. Windows are 5 s apart.

{table}

Censored are a fifth of the volumes of a scan, {burst} at a time; scans and simulations were filtered
({low:g}–{high:g} Hz) before.
"""


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    head = ("window (s)", "scan", "simulation", "KS", "bias", "expected")
    lines = [head, ["---"] * len(head), *(row for window in WINDOWS for row in rows(window))]
    table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    facts = {"nodes": NODES, "coupling": COUPLING, "count": COUNT, "time": REPETITION_TIME, "burst": BURST}
    facts |= {"low": BAND[0], "high": BAND[1]}
    text = _TEXT.format(date=date.today().isoformat(), table=table, **facts)
    path = HERE / "results" / "duration_bias.md"
    path.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {path}")


def rows(window):
    """Rows of the table for one length of windows."""
    run = simulated(window, None)
    whole = fcds(run, WHOLE)
    yield window, LONG, LONG, *distances([scan(run, [VOLUMES], number) for number in range(COUNT)], whole), ""
    for name, lengths in RUNS.items():
        scans = [scan(run, lengths, number) for number in range(COUNT)]
        expected = expected_bias(VOLUMES * REPETITION_TIME, lengths[0] * REPETITION_TIME, window)
        yield window, name, LONG, *distances(scans, whole), f"{expected:.2f}"
        yield window, name, f"{name}, matched", *distances(scans, fcds(run, lay_out(lengths))), "0"
    run = simulated(window, BAND)
    layout = lay_out([VOLUMES], mask())
    scans = [fcd(run, COUNT + number, layout) for number in range(COUNT)]
    yield window, "a fifth censored", "whole", *distances(scans, fcds(run, WHOLE)), ""
    yield window, "a fifth censored", "without the same volumes", *distances(scans, fcds(run, layout)), "0"


def simulated(window, band):
    """Give simulations 0 to COUNT - 1, and as many more that serve as scans."""
    positions = synthetic.node_positions(NODES)
    run = simulate(
        "rWW",
        synthetic.typical_connectome(positions, np.random.default_rng(1)),
        {"G": np.full(2 * COUNT, COUPLING)},
        duration=BURN_IN + VOLUMES * REPETITION_TIME,
        repetition_time=REPETITION_TIME,
        burn_in=BURN_IN,
        dt=5e-4,
        hemodynamic_dt=5e-3,
        hemodynamics="friston-3T",
        fic="analytical",
        window=window,
        band_pass=band,
        seed=np.arange(2 * COUNT),
        record=("bold", "fc"),
        backend="cpu",
    )
    assert not (run.status == 1).any(), "simulations diverged"
    return run


def scan(run, lengths, number):
    """FCD of a scan whose runs are beginnings of different simulations."""
    others = [COUNT + (number + 7 * place) % COUNT for place in range(len(lengths))]
    parts = zip(others, lengths, strict=True)
    return np.concatenate([fcd(run, other, lay_out([length])) for other, length in parts])


def fcds(run, layout):
    """FCD of all simulations."""
    return np.stack([fcd(run, number, layout) for number in range(COUNT)])


def fcd(run, number, layout):
    """FCD of pieces of one simulation."""
    return run.measured(layout, [number])[1][0]


def mask():
    """Volumes of a scan that are kept."""
    rng, kept = np.random.default_rng(1), np.ones(VOLUMES, dtype=bool)
    while kept.mean() > 1 - CENSORED:
        first = rng.integers(VOLUMES - BURST)
        kept[first : first + BURST] = False
    return kept


def distances(scans, simulations):
    """Mean KS distance of every scan from all simulations, and that of all scans from all simulations."""
    single = [kolmogorov_smirnov(simulations, np.sort(one)).mean() for one in scans]
    bias = kolmogorov_smirnov(simulations.reshape(1, -1), np.sort(np.concatenate(scans)))[0]
    return f"{np.mean(single):.3f}", f"{bias:.3f}"


if __name__ == "__main__":
    main()
