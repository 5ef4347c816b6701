"""One walk through folders of derivatives, by file names only."""

import os
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch

from cubnm_core.errors import InputError
from workflow_scripts.index import names
from workflow_scripts.index.owners import owner_of, participant_of_folder
from workflow_scripts.readers import FORMATS

SKIPPED_FOLDERS = {"figures", "log", "logs", "sourcedata", "work"}
ATLAS_TABLES = ("_dseg.tsv",)
ATLAS_IMAGES = ("_dseg.dlabel.nii", "_dseg.nii.gz")


@dataclass
class Variant:
    """Files of one kind that differ in person and run only.

    Attributes
    ----------
    kind, format : str
        Of the manifest.
    facts : dict of str to str
        What tells them from other files of the kind: dataset, atlas, space, desc, ...
    files : dict of (participant, session, run) to list of str
        Paths; ``session`` and ``run`` may be "". More than one path for a key are duplicates.
    variable : str or None
        Array that is meant, in files with several.
    """

    kind: str
    format: str
    facts: dict
    files: dict = field(default_factory=dict)
    variable: str | None = None


@dataclass
class Tree:
    """What was found.

    Attributes
    ----------
    variants : list of Variant
    unknown : Counter
        By shape of the name, how many files were not recognised.
    refused : dict of str to tuple of (int, str)
        By shape of the name, how many files are no usable scans, and why.
    nameless : list of str
        Files of a known kind that nothing says whose they are.
    misnamed : list of tuple of (Owner, run, kind, path)
        Files of a known kind whose ids cannot be taken.
    broken : list of str
        Links that lead nowhere, such as files of DataLad that were not fetched.
    atlases : dict of str to str
        Tables with the parcels of an atlas, by its name.
    atlas_images : dict of str to list of str
        CIFTI files and volumes of an atlas, by its name.
    scan_descriptions : dict of (folder, participant, session, run) to str
        JSON files of denoised scans, which state the repetition time of XCP-D's time series.
    people : set of str
        Everybody of whom there is a folder or a file.
    n_files : int
    """

    variants: list = field(default_factory=list)
    unknown: Counter = field(default_factory=Counter)
    refused: dict = field(default_factory=dict)
    nameless: list = field(default_factory=list)
    misnamed: list = field(default_factory=list)
    broken: list = field(default_factory=list)
    atlases: dict = field(default_factory=dict)
    atlas_images: dict = field(default_factory=dict)
    scan_descriptions: dict = field(default_factory=dict)
    people: set = field(default_factory=set)
    n_files: int = 0


def search(roots, own_patterns=()):
    """Walk through folders and sort their files by what they may be.

    Parameters
    ----------
    roots : sequence of str
        Folders of derivatives.
    own_patterns : sequence of (kind, format, pattern)
        The user's own namings; a pattern is a shell pattern of the end of the path. They count first.

    Returns
    -------
    Tree

    Raises
    ------
    InputError
        If a folder is not there, or a format does not hold a kind.
    """
    _check_patterns(own_patterns)
    tree, variants, known = Tree(), {}, {}
    for root, short in _short_names(roots).items():
        for folder, name in _files(root, tree):
            tree.n_files += 1
            path = f"{folder}/{name}"
            said = _own(path, name, own_patterns)
            if said is None:
                shape = names.shape(name)
                if shape not in known:
                    known[shape] = names.meaning(shape) or names.refusal(shape)
                said = known[shape]
                if not isinstance(said, names.Meaning):
                    _note_other(tree, folder, name, shape, said)
                    continue
            inside = folder[len(root) :]
            run = names.run_of_folder(inside) if said.run == names.NO_RUN else said.run
            owner = owner_of(inside, name)
            _add(tree, variants, names.dataset_of(short, inside), owner, run, path, said)
    tree.variants = list(variants.values())
    return tree


def _check_patterns(own_patterns):
    """Refuse unknown formats, and kinds that a format does not hold."""
    for kind, file_format, pattern in own_patterns:
        if file_format not in FORMATS or kind not in FORMATS[file_format].kinds:
            raise InputError(
                f"--files {kind}:{file_format}:{pattern}: no format {file_format} for {kind}; "
                f"formats: {', '.join(FORMATS)}"
            )


def _short_names(roots):
    """Name every folder, less those inside another; two of one name are told apart by the folder above."""
    absent = [root for root in roots if not os.path.isdir(root)]
    if absent:
        raise InputError(f"--derivatives {', '.join(absent)}: no such folder; correct the path")
    real = {os.path.realpath(root): os.path.normpath(root) for root in roots}
    paths = [path for place, path in real.items() if not any(place.startswith(f"{other}/") for other in real)]
    short = [os.path.basename(os.path.abspath(path)) for path in paths]
    return {
        path: name if short.count(name) == 1 else "/".join(os.path.abspath(path).split("/")[-2:])
        for path, name in zip(paths, short, strict=True)
    }


def _files(root, tree):
    """Give folder and name of every file, without opening any."""
    waiting, followed = [root], set()
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir():
                    if name[0] != "." and name not in SKIPPED_FOLDERS and _is_new(entry, followed):
                        waiting.append(entry.path)
                        tree.people |= {participant_of_folder(name)} - {None}
                elif entry.is_symlink() and not os.path.exists(entry.path):
                    tree.broken.append(entry.path)
                elif name[0] != ".":
                    yield folder, name


def _is_new(entry, followed):
    """Whether a folder is new: links may lead back, or several to one place."""
    if not entry.is_symlink():
        return True
    target, here = os.path.realpath(entry.path), os.path.realpath(os.path.dirname(entry.path))
    if target in followed or f"{here}/".startswith(f"{target}/"):
        return False
    followed.add(target)
    return True


def _own(path, name, own_patterns):
    """Say what a file is by the user's own patterns, or None."""
    for kind, file_format, pattern in own_patterns:
        if fnmatch(path, f"*/{pattern}"):
            return names.describe(names.shape(name), file_format, (kind,))
    return None


def _add(tree, variants, dataset, owner, run, path, said):
    """Store a file of known kind."""
    participant, session = owner.participant, owner.session
    if participant is None:
        tree.nameless.append(path)
        return
    if owner.problem is not None:
        tree.misnamed.append((owner, run, said.kinds[0], path))
        return
    tree.people.add(participant)
    for kind in said.kinds:
        place = (kind, said.format, dataset, said.facts)
        if place not in variants:
            facts = {"dataset": dataset, "format": said.format, **dict(said.facts)}
            variants[place] = Variant(kind, said.format, facts)
        variants[place].files.setdefault((participant, session or "", run), []).append(path)


def _note_other(tree, folder, name, shape, why):
    """Keep what helps to use other files, and count the rest."""
    if name.startswith(("atlas-", "tpl-")) and name.endswith((*ATLAS_TABLES, *ATLAS_IMAGES)):
        atlas, path = names.entities(name).get("atlas"), f"{folder}/{name}"
        if atlas is not None and name.endswith(ATLAS_TABLES):
            tree.atlases[atlas] = min(path, tree.atlases.get(atlas, path))
        elif atlas is not None:
            tree.atlas_images.setdefault(atlas, []).append(path)
        return
    if name.endswith("_bold.json") and "desc-denoised" in name:
        found = names.entities(name)
        key = (folder, found.get("sub"), found.get("ses") or "", names.run_of(found))
        tree.scan_descriptions.setdefault(key, f"{folder}/{name}")
        return
    if why is not None:
        count, _ = tree.refused.get(shape, (0, why))
        tree.refused[shape] = (count + 1, why)
    elif not name.endswith(".json"):
        tree.unknown[shape] += 1
