"""How often smooth maps without relation are called related: by the common test, and by spins.

``python benchmarks/spin_tests.py`` takes half a minute. See README.md in this folder.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
from scipy import stats

from cubnm_core.statistics.spins import METHODS, draw_spins, spin_test

HERE = Path(__file__).resolve().parent
LEVEL = 0.05
PAIRS, SPINS = 400, 499
PARCELS = (60, 200)  # in a hemisphere
HALF_AXES = (30.0, 80.0, 50.0)  # of a hemisphere, in mm
WIDTHS = (0.05, 0.15, 0.3, 0.6)  # of the likeness of two parcels, in units of 1 - cosine of their angle

_TEXT = """\
# False positives of spin tests

{date}, `python benchmarks/spin_tests.py`. {pairs} pairs of smooth random maps, the same in both hemispheres
or not, {spins} spins. Share of p ≤ .05 in %; with nothing there, 5 ± {margin:.1f} is as it should be (two
Monte-Carlo standard errors). Smoothness: distance, as 1 − cosine of the angle, at which the likeness of two
parcels has fallen to 37 %. hungarian is what the workflow uses.

{table}
"""


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows = [row for parcels in PARCELS for row in rates(parcels)]
    head = ("parcels a hemisphere", "smoothness", "hemispheres", "common test", *METHODS)
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    margin = 200 * np.sqrt(LEVEL * (1 - LEVEL) / PAIRS)
    text = _TEXT.format(date=date.today().isoformat(), pairs=PAIRS, spins=SPINS, margin=margin, table=table)
    path = HERE / "results" / "spin_tests.md"
    path.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {path}")


def rates(parcels):
    """Rates of both tests for maps of every smoothness over so many parcels in a hemisphere."""
    left = HALF_AXES * even_points(parcels) - [35.0, 0.0, 0.0]
    positions = np.vstack([left, left * [-1.0, 1.0, 1.0]])
    sides = np.repeat(["L", "R"], parcels)
    drawn = [draw_spins(positions, sides, SPINS, seed=1, method=method) for method in METHODS]
    for width in WIDTHS:
        for alike in (True, False):
            rng = np.random.default_rng(2)
            one, other = (smooth_maps(parcels, width, alike, rng) for _ in range(2))
            r = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(one, other, strict=True)])
            df = 2 * parcels - 2
            common = 2 * stats.t.sf(np.abs(r) * np.sqrt(df / (1 - r**2)), df)
            turned = [
                [spin_test(*pair, spins)[1][0] for pair in zip(one, other, strict=True)] for spins in drawn
            ]
            shares = [f"{100 * np.mean(np.array(p) <= LEVEL):.1f}" for p in (common, *turned)]
            yield parcels, width, "the same" if alike else "unrelated", *shares


def even_points(count):
    """Points spread evenly on the unit sphere, (count, 3)."""
    rank = np.arange(count) + 0.5
    z, angle = 1 - 2 * rank / count, np.pi * (1 + 5**0.5) * rank
    return np.column_stack([np.cos(angle) * np.sqrt(1 - z**2), np.sin(angle) * np.sqrt(1 - z**2), z])


def smooth_maps(parcels, width, alike, rng):
    """Gaussian maps over both hemispheres, (pairs, 2 * parcels)."""
    sphere = even_points(parcels)
    root = np.linalg.cholesky(np.exp((sphere @ sphere.T - 1) / width) + 1e-9 * np.eye(parcels))
    left = root @ rng.normal(size=(parcels, PAIRS))
    return np.vstack([left, left if alike else root @ rng.normal(size=left.shape)]).T


if __name__ == "__main__":
    main()
