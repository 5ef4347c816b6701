"""Agreement of two scans of a person in observables, beside that with the other person's: the HCP example.

``python -m workflow_scripts.get_hcp_example`` first; then ``python benchmarks/observable_agreement.py``
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
from haemodynamics import read_table, table

from cubnm_core.evidence.observables import scan_agreement
from cubnm_core.measures.connectivity import prepare_bold
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.observables.panel import summarise
from workflow_scripts.cohort.observables import make_panel

HERE = Path(__file__).resolve().parent
REPETITION_TIME = 0.72  # s
BANDS = {"unfiltered": None, "0.01–0.1 Hz": (0.01, 0.1)}
#: Parcels are numbered within networks, and the example has no coordinates: which correspond is not known.
LEFT_OUT = ("homotopic_fc",)

_TEXT = """\
# Observables: do two scans of a person agree?

{date}, `python benchmarks/observable_agreement.py`. Two people of the HCP example, REST1_LR and REST2_LR,
1,200 volumes of {time} s, 100 regions, all pairs. Values: the summary that the workflow prints, of both scans
of each person. Own: distance of the second scan from the first of the same person, mean of both people;
other: from the first of the other person. **Two people say nothing about reliability**: the workflow calls no
observable reliable below twenty people with two scans. Left out for want of coordinates: {left_out}.

{rows}
"""


def main():
    """Measure all scans, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    folder = HERE.parent / "resources" / "hcp"
    parser.add_argument("--hcp", type=Path, default=folder, help="folder of the HCP example")
    scans = read_scans(parser.parse_args().hcp)
    head = ("observable", "band", "unit", "values of scans", "own", "other")
    rows = [row for name in BANDS for row in band_rows(name, *scans)]
    rows.sort(key=lambda row: list(OBSERVABLES).index(row[0]))
    text = _TEXT.format(
        date=date.today().isoformat(),
        time=REPETITION_TIME,
        left_out=", ".join(LEFT_OUT),
        rows=table(head, rows),
    )
    path = HERE / "results" / "observable_agreement.md"
    path.write_text(text, encoding="utf-8")
    print(f"{text}\nwritten to {path}")


def read_scans(folder):
    """Rows of the node table, and BOLD (T, N) by person and role."""
    found = {}
    for row in read_table(folder / "manifest.tsv"):
        if row["kind"] == "bold":
            with np.load(folder / row["path"]) as arrays:
                (bold,) = arrays.values()
            found.setdefault(row["participant_id"], {})[row["role"]] = bold.T.astype(np.float64)
    return read_table(folder / "nodes.tsv"), found


def band_rows(band, nodes, scans):
    """Rows of all observables of scans filtered in a band."""
    names = tuple(name for name in OBSERVABLES if name not in LEFT_OUT)
    panel = make_panel(nodes, {"pairs": "all", "observables": names})
    first, second = (
        [measure(panel, person[role], BANDS[band]) for person in scans.values()] for role in ("train", "test")
    )
    for name in names:
        pairs = zip(first, second, strict=True)
        both = [[summarise({name: one[name]}, REPETITION_TIME)[name] for one in pair] for pair in pairs]
        arrays = (np.array([one[name] for one in part]) for part in (first, second))
        found = scan_agreement(name, both, *arrays)
        values = "; ".join(" / ".join(f"{value:.3g}" for value in pair) for pair in both)
        yield name, band, OBSERVABLES[name].unit or "–", values, f"{found.own:.3f}", f"{found.others:.3f}"


def measure(panel, bold, band):
    """Observables of a scan (T, N) filtered in a band."""
    return panel.measure(prepare_bold(bold, REPETITION_TIME, band), REPETITION_TIME)


if __name__ == "__main__":
    main()
