"""BIDS derivatives: description of the dataset, file names, and sources."""

import os
import re
from pathlib import Path

import cubnm_core
from workflow_scripts.files import job

VERSION = "1.11.0"
DESCRIPTION = "dataset_description.json"
TOOL = "cubnm_core"
ACKNOWLEDGE = (
    "Cite this software (CITATION.cff of its repository) and the papers of the models, methods and data; the "
    "report lists them."
)
# What BIDS has no names for (yet): relationship matrices and tables of nodes are those of the draft BEP017.
IGNORED = ("*_relmat.dense.tsv", "*_relmat.dense.json", "*_nodes.tsv", "*_nodes.json", "**/model")


class Sources:
    """Names the files of other datasets, as ``bids:<dataset>:<path>``, and remembers these datasets.

    Parameters
    ----------
    output : str or Path
        Folder of the dataset that is written.
    inputs : str or Path
        Folder that stands for a dataset of its own where files belong to none: that of the manifest.
    """

    def __init__(self, output, inputs):
        self.output, self.inputs = Path(output).resolve(), Path(inputs).resolve()
        self.roots, self._known = {}, {}

    def uri(self, path):
        """Name a file.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        str
        """
        path = Path(path).resolve()
        root = self._root(path.parent)
        return f"bids:{self._name(root)}:{path.relative_to(root).as_posix()}"

    def links(self):
        """Give the folders of all datasets that were named, relative to the output, by their names."""
        return {
            name: Path(os.path.relpath(root, self.output)).as_posix() for name, root in self.roots.items()
        }

    def _root(self, folder):
        """Find the dataset that a folder belongs to.

        It is the nearest one above that describes itself, else what holds the person's folder (sub-01), else
        the folder of the manifest, if the folder lies in it, else what holds a folder that is a number.
        """
        if folder not in self._known:
            above = (folder, *folder.parents)
            described = [place for place in above if (place / DESCRIPTION).is_file()]
            people = [place.parent for place in above if place.name.startswith("sub-")]
            inside = [self.inputs] if self.inputs in above else []
            numbered = [place.parent for place in above if place.name.isdecimal()]
            self._known[folder] = [*described[:1], *people[-1:], *inside, *numbered[:1], folder][0]
        return self._known[folder]

    def _name(self, root):
        """Give a dataset a short name of its own."""
        for name, known in self.roots.items():
            if known == root:
                return name
        base = word(root.name) or "inputs"
        taken = sum(re.fullmatch(rf"{base}\d*", name) is not None for name in self.roots)
        name = f"{base}{taken + 1}" if taken else base
        self.roots[name] = root
        return name


def word(text):
    """Keep the letters and digits of a text, as BIDS requires of entity values."""
    return re.sub(r"[^A-Za-z0-9]", "", text)


def description(dataset, sources):
    """Describe a derivative dataset.

    Parameters
    ----------
    dataset : dict
        ``name``, ``license`` and ``authors``, as in the configuration.
    sources : Sources

    Returns
    -------
    dict
        Content of ``dataset_description.json``.
    """
    links = sources.links()
    found = {
        "Name": dataset["name"],
        "BIDSVersion": VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [
            {
                "Name": TOOL,
                "Version": cubnm_core.__version__,
                "Description": "Personalised brain network models",
            }
        ],
        "HowToAcknowledge": ACKNOWLEDGE,
        "SourceDatasets": [_source(link, sources.roots[name]) for name, link in links.items()],
        "DatasetLinks": links,
    }
    if dataset["license"]:
        found["License"] = dataset["license"]
    if dataset["authors"]:
        found["Authors"] = dataset["authors"]
    return found


def _source(link, root):
    """Location and stated version of a source dataset."""
    path = root / DESCRIPTION
    stated = job.read_json(path, remedy="correct or remove it") if path.is_file() else {}
    told = {"DOI": stated.get("DatasetDOI"), "Version": stated.get("DatasetVersion")}
    return {"URL": link, **{key: value for key, value in told.items() if value}}


def stem(ids, **entities):
    """Put together the first part of a name: ``sub-01_ses-a_atlas-X``.

    Parameters
    ----------
    ids : dict
        ``participant_id`` and ``session_id``.
    **entities : str
        Further entities, in order.
    """
    parts = {"sub": ids["participant_id"], "ses": ids["session_id"], **entities}
    return "_".join(f"{key}-{value}" for key, value in parts.items() if value)


def folder(root, ids, kind):
    """Give the folder of a person's files of a kind, such as func."""
    place = Path(root) / f"sub-{ids['participant_id']}"
    return (place / f"ses-{ids['session_id']}" if ids["session_id"] else place) / kind
