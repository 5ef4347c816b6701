"""Damage histories, results and kernels at random, and count what is read: python benchmarks/damages.py

Cuts, single bits, zeros, blocks that changed places, lines lost or repeated. Nothing may give another number,
or end in an error of a library. Writes ``benchmarks/results/damages.md``.
"""

import argparse
import logging
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "tests"))

from damaged_results import ANEW, REFUSED, SAME, WRONG, try_histories, try_results  # noqa: E402
from damages import damaged, overwrite  # noqa: E402

from cubnm_core.backends.cpu import kernels  # noqa: E402

OUTCOMES = (SAME, REFUSED, ANEW, WRONG)
SOURCE = "import numba\n\n@numba.njit(cache=True)\ndef advance(x):\n    x[0] *= 3.0\n"
CALLED = 100  # one kernel in so many is called again, which takes a compilation


def try_kernels(folder, count, seed):
    """Damage the files of a compiled kernel, and load it as the next process would: Counter of outcomes."""
    whole, draw, found = folder / "whole", np.random.default_rng(seed), Counter()
    whole.mkdir(parents=True)
    _call(kernels.Kernel(SOURCE, whole))
    contents = {path.relative_to(whole): path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    for number in range(count):
        place = folder / "damaged"
        shutil.copytree(whole, place)
        changed = sorted(contents)[number % len(contents)]
        name, content = damaged(contents[changed], draw)
        overwrite(place / changed, content)
        kernel = kernels.Kernel(SOURCE, place)
        is_gone = not (place / changed).exists() or (place / changed).read_bytes() != content
        if number % CALLED == 0:
            is_gone = is_gone and _call(kernel) == 6.0
        found[f"{changed.suffix}, {name}", ANEW if is_gone else WRONG] += 1
        shutil.rmtree(place)
    return found


def _call(kernel):
    values = np.array([2.0])
    kernel.advance(values)
    return values[0]


def page(found):
    """Write the table: one row per kind of file and damage."""
    lines = ["# Random damages", "", "What was read of damaged files; `python benchmarks/damages.py`.", ""]
    lines += [f"| files | damages | {' | '.join(OUTCOMES)} | other errors |", "|---|---:|" + "---:|" * 5]
    for kind, counts in found.items():
        by_outcome = Counter()
        for (_, outcome), count in counts.items():
            by_outcome[outcome if outcome in OUTCOMES else "other"] += count
        cells = [by_outcome[outcome] for outcome in (*OUTCOMES, "other")]
        lines.append(f"| {kind} | {sum(cells)} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main():
    """Damage everything, write the page, and fail if there was a wrong number or an error of a library."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--count", type=int, default=3000, help="damages of each kind of file (default: 3000)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER / "results" / "damages.md")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    found = {}
    for kind, attempt in (("histories", try_histories), ("results", try_results), ("kernels", try_kernels)):
        with tempfile.TemporaryDirectory() as folder:
            found[kind] = attempt(Path(folder), asked.count, asked.seed)
    asked.out.write_text(page(found), encoding="utf-8")
    print(page(found))
    bad = {
        key: count for counts in found.values() for key, count in counts.items() if key[1] not in OUTCOMES[:3]
    }
    sys.exit(f"{bad}" if bad else 0)


if __name__ == "__main__":
    main()
