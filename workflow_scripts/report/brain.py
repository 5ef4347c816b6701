"""Rule brain: draw the brain once, for whichever node each pixel shows; the report only colours it."""

import numpy as np

from cubnm_core.errors import InputError
from workflow_scripts.atlases import alignment
from workflow_scripts.atlases.surfaces import SIDES, on_fsaverage5, read_surface_atlas
from workflow_scripts.cohort import tables
from workflow_scripts.files import job
from workflow_scripts.readers.background import is_node
from workflow_scripts.report.figures import brain as figures

PARTS = {"L": "left", "R": "right"}
NEAR = 10.0  # mm that a node may lie outside the box around the template's brain to count as in its space


def main(sm):
    """Write the views, the labels of the nodes, and which nodes they show."""
    logger = job.start(sm)
    nodes = tables.read_nodes(sm.input.nodes)
    kind, shown = write(sm.output[0], nodes, sm.params.atlas, sm.params.names, sm.params.surfaces)
    logger.info("brain maps from %s: %d of %d nodes are shown", kind, np.count_nonzero(shown), len(nodes))
    lost = [node["label"] for node, seen in zip(nodes, shown, strict=True) if not seen and is_cortical(node)]
    if kind == "atlas" and lost:
        logger.warning("no vertex of the surface belongs to %s; listed beside the maps", ", ".join(lost))


def write(path, nodes, *atlas):
    """Draw the brain as of :func:`draw` and write it; give its kind, and which nodes are shown."""
    kind, views, shown = draw(nodes, *atlas)
    drawn = {f"nodes_{k}": view.nodes for k, view in enumerate(views)}
    drawn |= {f"shade_{k}": view.shade for k, view in enumerate(views)}
    job.write_npz(
        path,
        kind=np.array(kind),
        labels=np.array([node["label"] for node in nodes]),
        shown=shown,
        views=np.array([view.name for view in views], dtype=str),
        **drawn,
    )
    return kind, shown


def draw(nodes, atlas=(), names=None, surfaces=None):
    """Draw the brain from an atlas, or else from coordinates, or not at all.

    Parameters
    ----------
    nodes : list of dict
        Rows of the node table.
    atlas : sequence of str
        As of :func:`workflow_scripts.atlases.surfaces.read_surface_atlas`; empty for none.
    names : str, optional
        Table of the names of parcels.
    surfaces : dict, optional
        File of the surface to draw on for ``left`` and ``right``.

    Returns
    -------
    kind : {"atlas", "coordinates", "nothing"}
        What the views were made from.
    views : list of View
        Their numbers are places in `nodes`.
    shown : ndarray (N,) of bool
        Which nodes some view can show; the others need a place beside it.

    Raises
    ------
    InputError
        If atlas, node table and surfaces do not belong together.
    """
    if atlas:
        vertices = node_of_vertices(nodes, atlas, names)
        meshes, vertices = matching_meshes(vertices, surfaces)
        found = np.unique(np.concatenate(list(vertices.values())))
        shown = np.isin(np.arange(len(nodes)), found)
        return "atlas", figures.surface_views(meshes, vertices), shown
    places = np.array([[np.nan if node[axis] is None else node[axis] for axis in "xyz"] for node in nodes])
    shown = np.isfinite(places).all(axis=1)
    if not shown.any():
        return "nothing", [], shown
    sides = np.array([node["hemisphere"] for node in nodes])
    outlines = template_outlines(places[shown])
    return "coordinates", figures.node_views(places, sides, shown, outlines), shown


def is_cortical(node):
    """Say whether a node belongs on the surface; the table need not say it of the cortex."""
    return node["structure"] in (None, "cortex")


def node_of_vertices(nodes, paths, names=None):
    """Match an atlas with the node table, by label.

    Returns
    -------
    dict of str to ndarray (V,) of int
        For L and R the place in `nodes` of every vertex, or -1. Parcels without a node are left out.

    Raises
    ------
    InputError
        If the atlas lacks a cortical node.
    """
    atlas = read_surface_atlas(paths, names)
    cortical = [place for place, node in enumerate(nodes) if is_cortical(node)]
    parcels = [number for number, name in enumerate(atlas.names) if is_node(name)]
    row = {"path": f"brain.atlas, {', '.join(map(str, paths))}", "assume_order": None}
    try:
        places, _ = alignment.order(
            [atlas.names[number] for number in parcels],
            len(parcels),
            [nodes[place]["label"] for place in cortical],
            row,
        )
    except InputError as error:
        raise InputError(
            f"{error}. Maps need the atlas of the node table, with the same names; if only the "
            "names differ, give brain.names, a table with the numbers of the atlas and the names of the node "
            "table (columns index and label). Nodes beside the cortex need subcortex, cerebellum or "
            "brainstem in the column structure. Without brain.atlas nodes are shown at their coordinates"
        ) from None
    node_of = np.full(len(atlas.names) + 1, figures.NO_NODE)  # one more, for vertices without parcel
    node_of[np.array(parcels)[places]] = cortical
    return {side: node_of[atlas.vertices[side]] for side in SIDES}


def matching_meshes(vertices, surfaces=None):
    """Find surfaces with as many vertices as the atlas has.

    Returns
    -------
    meshes : dict of str to (coordinates, faces)
    vertices : dict of str to ndarray
        Those of fsaverage and fsaverage6 brought to fsaverage5, if that is what is drawn.

    Raises
    ------
    InputError
        If the numbers differ.
    """
    meshes = template_meshes("inflated") if surfaces is None else _own_meshes(surfaces)
    coarser = on_fsaverage5(vertices)
    for candidate in (vertices, coarser):
        if all(len(candidate[side]) == len(meshes[side][0]) for side in SIDES):
            return meshes, candidate
    found = " and ".join(f"{len(vertices[side]):,}" for side in SIDES)
    drawn = " and ".join(f"{len(meshes[side][0]):,}" for side in SIDES)
    given = "brain.surfaces have" if surfaces else "the surfaces that need no file (fsaverage5) have"
    raise InputError(
        f"brain.atlas has {found} vertices (left and right), {given} {drawn}; give brain.surfaces with "
        "left and right, the surfaces that belong to the atlas (for 32,492 vertices those of fsLR 32k, such "
        "as *.L.inflated.32k_fs_LR.surf.gii)"
    )


def _own_meshes(surfaces):
    """Read the user's surfaces."""
    from nilearn.surface import load_surf_mesh

    meshes = {}
    for side, part in PARTS.items():
        try:
            mesh = load_surf_mesh(surfaces[part])
        except Exception as error:  # nilearn hands on whatever the readers of the formats raise
            raise InputError(
                f"brain.surfaces.{part}: {surfaces[part]} cannot be read as a surface ({error}); give a "
                "GIFTI file .surf.gii or a FreeSurfer surface"
            ) from error
        meshes[side] = (np.asarray(mesh.coordinates), np.asarray(mesh.faces))
    return meshes


def template_meshes(kind):
    """Give the surfaces of fsaverage5 that come with nilearn, by side: coordinates and faces."""
    from nilearn.datasets import load_fsaverage

    parts = load_fsaverage("fsaverage5")[kind].parts
    return {
        side: (np.asarray(parts[name].coordinates), np.asarray(parts[name].faces))
        for side, name in PARTS.items()
    }


def template_outlines(places):
    """Give the cortex of the template as an outline, if coordinates lie in it; else None."""
    meshes = template_meshes("pial")
    points = np.concatenate([coordinates for coordinates, _ in meshes.values()])
    inside = (places >= points.min(axis=0) - NEAR) & (places <= points.max(axis=0) + NEAR)
    return tuple(meshes[side] for side in SIDES) if inside.all() else None


if "snakemake" in globals():
    main(snakemake)
