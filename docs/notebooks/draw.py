"""Draw the pictures of the notebooks anew: `python docs/notebooks/draw.py`, a minute.

Beside them `notebooks.json` keeps the digest of the code that drew each, by which a test sees pictures
that are older than their notebook. That of a cohort has no picture: its tables are those of your own run.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import matplotlib

HERE = Path(__file__).resolve().parent
PICTURES = HERE.parent / "pictures"
DIGESTS = PICTURES / "notebooks.json"
DRAWN = ("explore_connectome", "fit_person")


def read_cells(name):
    """Give the code cells of a notebook: list of str."""
    book = json.loads((HERE / f"{name}.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]


def digest(name):
    """Give the SHA-256 of the code of a notebook."""
    return hashlib.sha256("\n\n".join(read_cells(name)).encode()).hexdigest()


def run_notebook(name):
    """Run the code cells of a notebook in the current folder; return the names they leave.

    They are plain Python without magic commands, so that neither Jupyter nor a kernel is needed.
    """
    names = {}
    for number, code in enumerate(read_cells(name)):
        exec(compile(code, f"{name}.ipynb, code cell {number}", "exec"), names)
    return names


def main():
    """Run the notebooks that have pictures, in the folder of pictures."""
    matplotlib.use("agg")
    with contextlib.chdir(PICTURES):
        for name in DRAWN:
            run_notebook(name)
    found = {name: digest(name) for name in DRAWN}
    DIGESTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
