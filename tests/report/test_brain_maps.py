"""Maps of the brain: atlases matched by label, views that show the right node, colours as scaled."""

import base64
import io

import nibabel
import numpy as np
import pandas as pd
import pytest
from nibabel.freesurfer import write_annot
from PIL import Image
from scipy.spatial import ConvexHull

from cubnm_core.errors import InputError
from workflow_scripts.atlases import surfaces
from workflow_scripts.files.job import write_tsv
from workflow_scripts.report import brain
from workflow_scripts.report.brain_maps import brain_map, read_brain
from workflow_scripts.report.figures import brain as figures

NAMES = ("LH_up", "LH_down", "RH_up", "RH_down")
VERTICES = 300


def nodes(labels=NAMES, structures=None, places=None):
    """Rows of a node table: labels begin with their hemisphere."""
    structures = structures or [None] * len(labels)
    places = places if places is not None else [(None, None, None)] * len(labels)
    return [
        {"label": label, "hemisphere": label[0], "structure": structure, "x": x, "y": y, "z": z}
        for label, structure, (x, y, z) in zip(labels, structures, places, strict=True)
    ]


@pytest.fixture(scope="module")
def ball():
    """A closed surface of few vertices: points on a sphere of 50 mm and their triangles."""
    points = np.random.default_rng(2).normal(size=(VERTICES, 3))
    points *= 50 / np.linalg.norm(points, axis=1, keepdims=True)
    hull = ConvexHull(points)
    triangles, outward = hull.simplices.copy(), hull.equations[:, :3]
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    inward = np.sum(np.cross(second - first, third - first) * outward, axis=1) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return points.astype(np.float32), triangles.astype(np.int32)


def write_surface(path, ball):
    kinds = ("NIFTI_INTENT_POINTSET", "NIFTI_INTENT_TRIANGLE")
    arrays = [
        nibabel.gifti.GiftiDataArray(array, intent=kind) for array, kind in zip(ball, kinds, strict=True)
    ]
    nibabel.save(nibabel.gifti.GiftiImage(darrays=arrays), path)
    return str(path)


def write_labels(path, keys, names, structure=None):
    """A GIFTI file of keys; `names` by key, none for a shape file."""
    table = nibabel.gifti.GiftiLabelTable()
    for key, name in names.items():
        label = nibabel.gifti.GiftiLabel(key)
        label.label = name
        table.labels.append(label)
    array = nibabel.gifti.GiftiDataArray(keys.astype(np.int32), intent="NIFTI_INTENT_LABEL")
    meta = nibabel.gifti.GiftiMetaData({"AnatomicalStructurePrimary": structure} if structure else {})
    nibabel.save(nibabel.gifti.GiftiImage(darrays=[array], labeltable=table, meta=meta), path)
    return str(path)


@pytest.fixture
def atlas(tmp_path, ball):
    """GIFTI files with an upper and a lower parcel of each hemisphere, and the surfaces they belong to."""
    upper = ball[0][:, 2] > 0
    left = write_labels(
        tmp_path / "l.label.gii", np.where(upper, 1, 2), {0: "???", 1: "LH_up", 2: "LH_down"}, "CortexLeft"
    )
    right = write_labels(
        tmp_path / "r.label.gii", np.where(upper, 7, 5), {5: "RH_down", 7: "RH_up"}, "CortexRight"
    )
    mesh = write_surface(tmp_path / "ball.surf.gii", ball)
    return [left, right], {"left": mesh, "right": mesh}


@pytest.mark.slow
def test_views_show_the_nodes_where_they_are(atlas):
    kind, views, shown = brain.draw(nodes(), atlas[0], None, atlas[1])
    assert (kind, shown.all(), len(views)) == ("atlas", True, 4)
    for view, (up, down) in zip(views, ((0, 1), (0, 1), (2, 3), (2, 3)), strict=True):
        middle, column = view.nodes.shape[0] // 2, view.nodes.shape[1] // 2
        assert set(np.unique(view.nodes)) == {figures.EMPTY, up, down}
        assert (view.nodes[middle // 2, column], view.nodes[-middle // 2, column]) == (up, down)
        lit = view.shade[view.nodes != figures.EMPTY]
        assert view.shade[middle, column] > 250 and lit.min() >= int(255 * figures.DARKEST) - 1


def test_front_and_back_are_told_apart(ball):
    """What lies in front is on the left of the view from the left, on the right of that from the right."""
    front = np.where(ball[0][:, 1] > 0, 0, 1)
    views = figures.surface_views({"L": ball, "R": ball}, {"L": front, "R": front})
    on_the_left = [view.nodes[view.nodes.shape[0] // 2, view.nodes.shape[1] // 4] for view in views]
    assert on_the_left == [0, 1, 0, 1]


@pytest.mark.slow
def test_nodes_that_the_surface_lacks_stand_beside_it(atlas):
    table = nodes((*NAMES, "L_Thalamus"), structures=["cortex"] * 4 + ["subcortex"])
    _, _, shown = brain.draw(table, atlas[0], None, atlas[1])
    assert shown.tolist() == [True] * 4 + [False]


def test_parcels_without_a_node_are_grey(atlas):
    _, views, _ = brain.draw(nodes(("LH_up", "RH_up", "RH_down")), atlas[0], None, atlas[1])
    assert figures.NO_NODE in views[0].nodes


def test_labels_that_do_not_match_are_named_with_a_remedy(atlas):
    with pytest.raises(InputError, match=r"LH_front.*brain\.names.*structure"):
        brain.draw(nodes((*NAMES, "LH_front")), atlas[0], None, atlas[1])


def test_a_table_takes_the_place_of_the_names_in_the_atlas(tmp_path, atlas):
    other = tmp_path / "names.tsv"
    rows = [(1, "LH_a"), (2, "LH_b"), (5, "RH_b"), (7, "RH_a")]
    write_tsv(other, [{"index": index, "label": label} for index, label in rows])
    _, views, _ = brain.draw(nodes(("LH_a", "LH_b", "RH_a", "RH_b")), atlas[0], str(other), atlas[1])
    assert {0, 1} <= set(np.unique(views[0].nodes))


def test_hemispheres_in_the_wrong_order_are_refused(atlas):
    with pytest.raises(InputError, match="name the left file first"):
        brain.draw(nodes(), atlas[0][::-1], None, atlas[1])


def test_surfaces_must_have_the_vertices_of_the_atlas(atlas):
    with pytest.raises(InputError, match=r"300 and 300 vertices.*10,242.*brain\.surfaces"):
        brain.draw(nodes(), atlas[0])


def test_shape_files_need_names(tmp_path, ball):
    path = write_labels(tmp_path / "l.shape.gii", np.ones(VERTICES), {})
    with pytest.raises(InputError, match=r"nothing names the parcels; give brain\.names"):
        surfaces.read_surface_atlas([path, path])


def test_annotations_of_finer_surfaces_are_brought_to_fsaverage5(tmp_path):
    for side in ("lh", "rh"):
        keys = np.zeros(40_962, dtype=int)
        keys[:100] = 1
        colours = np.array([[25, 5, 25, 0, 0], [50, 5, 25, 0, 0]])
        write_annot(str(tmp_path / f"{side}.x.annot"), keys, colours, ["unknown", "up"], fill_ctab=True)
    found = surfaces.read_surface_atlas([str(tmp_path / f"{side}.x.annot") for side in ("lh", "rh")])
    coarse = surfaces.on_fsaverage5(found.vertices)
    assert {len(one) for one in coarse.values()} == {surfaces.FSAVERAGE5}
    assert found.names[coarse["R"][50]] == "rh_up" and found.names[coarse["L"][200]] == "lh_unknown"


@pytest.mark.slow
def test_a_volume_is_brought_to_the_surface_by_its_names(tmp_path):
    grid = np.indices((40, 48, 40)) * 5 - np.array([100, 125, 80])[:, None, None, None]
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = [-100, -125, -80]
    upper = grid[2] > 10
    volume = np.where(grid[0] < 0, np.where(upper, 1, 2), np.where(upper, 3, 4)).astype(np.int16)
    path, names = tmp_path / "atlas.nii.gz", tmp_path / "names.tsv"
    nibabel.save(nibabel.Nifti1Image(volume, affine), path)
    with pytest.raises(InputError, match=r"a volume holds numbers only; give brain\.names"):
        surfaces.read_surface_atlas([str(path)])
    write_tsv(names, [{"index": number, "name": name} for number, name in enumerate(NAMES, start=1)])
    found = brain.node_of_vertices(nodes(), [str(path)], str(names))
    assert np.mean(np.isin(found["L"], [0, 1])) > 0.95 and np.mean(np.isin(found["R"], [2, 3])) > 0.95


def test_real_atlases_are_read(shared):
    dlabel = shared / "data/kong2021/Schaefer100_input/Schaefer2018_100Parcels_17Networks_order.dlabel.nii"
    pair = [str(shared / f"data/fslr32k/{side}.aparc.annot") for side in ("lh", "rh")]
    for paths, count, name in (([str(dlabel)], 101, "17Networks_LH_Vis"), (pair, 72, "lh_bankssts")):
        found = surfaces.read_surface_atlas(paths)
        assert len(found.names) == count and any(one.startswith(name) for one in found.names)
        assert {len(one) for one in found.vertices.values()} == {32_492}


def test_the_atlas_of_another_release_is_refused_and_named_by_a_table(shared, tmp_path):
    folder = shared / "data/schaefer100_7networks"
    pair = [str(folder / f"schaefer-100_conte69_{side}.label.gii") for side in ("lh", "rh")]
    table = pd.read_csv(folder / "nodes.tsv", sep="\t")
    rows = nodes(table["label"].tolist(), places=table[["x", "y", "z"]].to_numpy().tolist())
    for row, side in zip(rows, table["hemisphere"], strict=True):
        row["hemisphere"] = side
    with pytest.raises(InputError, match="another release of the Schaefer"):
        brain.node_of_vertices(rows, pair)
    names = tmp_path / "names.tsv"
    write_tsv(names, [{"index": number + 1, "label": row["label"]} for number, row in enumerate(rows)])
    found = brain.node_of_vertices(rows, pair, str(names))
    assert set(np.unique(found["L"])) == {figures.NO_NODE, *range(50)}
    assert set(np.unique(found["R"])) == {figures.NO_NODE, *range(50, 100)}


@pytest.mark.slow
def test_without_an_atlas_nodes_stand_at_their_coordinates():
    places = [(-30.0, 40.0, 20.0), (-30.0, -40.0, 0.0), (30.0, 40.0, 20.0), (None, None, None)]
    kind, views, shown = brain.draw(nodes(places=places))
    assert kind == "coordinates" and shown.tolist() == [True, True, True, False]
    seen = [set(np.unique(view.nodes)) - {figures.EMPTY, figures.NO_NODE} for view in views]
    assert seen == [{0, 1}, {0, 1, 2}, {2}]
    assert all(figures.NO_NODE in view.nodes for view in views)  # the outline of the brain


def test_coordinates_of_another_space_have_no_outline():
    places = [(-300.0, 400.0, 0.0), (-30.0, 0.0, 0.0), (30.0, 0.0, 9.0), (30.0, 10.0, 0.0)]
    _, views, _ = brain.draw(nodes(places=places))
    assert not any(figures.NO_NODE in view.nodes for view in views)


def test_nothing_known_no_maps(tmp_path):
    path = tmp_path / "brain.npz"
    assert brain.write(path, nodes())[0] == "nothing"
    found = read_brain(path)
    assert "brain.atlas" in found.note
    assert brain_map(found, pd.Series({"LH_up": 1.0}), "S_E") is None


def test_a_map_has_the_colours_of_its_values_and_is_light(tmp_path, atlas):
    path = tmp_path / "brain.npz"
    table = nodes((*NAMES, "L_Thalamus"), structures=["cortex"] * 4 + ["subcortex"])
    brain.write(path, table, atlas[0], None, atlas[1])
    values = pd.Series([0.0, 1.0, np.nan, 0.25, 2.0], index=[*NAMES, "L_Thalamus"])
    drawn = brain_map(read_brain(path), values, "r_E", "Hz")
    assert (drawn.low, drawn.high, drawn.unit) == ("0.00", "2.00", "Hz")
    assert [entry["label"] for entry in drawn.beside] == ["L_Thalamus"]
    assert drawn.beside[0]["colour"] == drawn.colours[-1]
    image = Image.open(io.BytesIO(base64.b64decode(drawn.picture.uri.partition(",")[2]))).convert("RGB")
    assert len(drawn.picture.uri) < 40_000
    # In the middle of a view the surface faces the eye, so that a colour is as the bar has it.
    step, half = image.width // 4, image.height // 2
    scale = figures.Scale(0.0, 2.0, figures.colormap(figures.SEQUENTIAL))
    for row, value in ((half - 15, 0.0), (half + 15, 1.0)):
        found = np.array(image.getpixel((step // 2, row))) / 255
        assert np.abs(found - scale(value)).max() < 0.08


def test_differences_are_white_at_zero():
    scale = figures.diverging([-1.0, 3.0])
    assert (scale.low, scale.high) == (-3.0, 3.0)
    assert np.allclose(scale(0.0), 1.0)
