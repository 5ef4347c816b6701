"""Maps of the brain: views are drawn once, for whichever node each pixel shows; a map then only colours them.

A page holds many maps of the same surface. Drawing the surface takes about a second a view, colouring it a
few hundredths.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from workflow_scripts.report.figures.style import DIVERGING, Picture

EMPTY, NO_NODE = -2, -1  # a pixel beside the brain; one of the brain that belongs to no node
WIDTH = 500  # pixels of the widest view; twice those of the picture, so that edges are smooth
MARGIN = 2.0  # mm
DARKEST = 0.66  # share of a colour where the surface turns away
GREY, NOTHING = "#d5d9de", "#aeb5bd"  # brain without node; a node without a value
DISC = 5.2  # mm, radius of a node that is drawn as a disc
N_COLOURS = 64  # of a picture; more only make it larger
# Horizontal axis, vertical axis, direction towards the eye, each as (axis of x, y, z, sign).
FROM_LEFT = ((1, -1), (2, 1), (0, -1))
FROM_RIGHT = ((1, 1), (2, 1), (0, 1))
FROM_ABOVE = ((0, 1), (1, 1), (2, 1))
# Perceptually uniform; differences get the diverging map of the other figures.
SEQUENTIAL, SPREAD = "viridis", "magma"


@dataclass(frozen=True, eq=False)
class View:
    """One look at the brain.

    Attributes
    ----------
    name : str
        For readers, such as "left, lateral".
    nodes : ndarray (height, width) of int
        Which node a pixel shows; EMPTY, NO_NODE.
    shade : ndarray (height, width) of uint8
        How much of its colour is seen, of 255.
    """

    name: str
    nodes: np.ndarray
    shade: np.ndarray


def surface_views(meshes, nodes):
    """Draw lateral and medial views of both hemispheres.

    Parameters
    ----------
    meshes : dict of str to (coordinates, faces)
        For L and R; coordinates (V, 3) in mm, right, anterior and superior positive, faces (F, 3).
    nodes : dict of str to ndarray (V,) of int
        Node of every vertex, or NO_NODE.

    Returns
    -------
    list of View
    """
    looks = (
        ("left, lateral", "L", FROM_LEFT),
        ("left, medial", "L", FROM_RIGHT),
        ("right, medial", "R", FROM_LEFT),
        ("right, lateral", "R", FROM_RIGHT),
    )
    sizes = [_size(_frame(_seen(meshes[side][0], look))) for _, side, look in looks]
    scale = WIDTH / max(width for width, _ in sizes)
    return [_mesh_view(name, *meshes[side], nodes[side], look, scale) for name, side, look in looks]


def node_views(coordinates, sides, shown, outlines=None):
    """Draw nodes as discs at their places, from the left, above and the right.

    Parameters
    ----------
    coordinates : (N, 3) array
        In mm.
    sides : (N,) array of str
        L, R or B; nodes of the other hemisphere are not seen from the left or the right.
    shown : (N,) array of bool
        Nodes whose place is known.
    outlines : tuple of (coordinates, faces), optional
        The cortex of the left and of the right hemisphere, whose outline is shown behind the nodes.

    Returns
    -------
    list of View
    """
    left, right = (shown & np.isin(sides, [side, "B"]) for side in "LR")
    looks = (
        ("from the left", left, FROM_LEFT, slice(0, 1)),
        ("from above", shown, FROM_ABOVE, slice(0, 2)),
        ("from the right", right, FROM_RIGHT, slice(1, 2)),
    )
    polygons = [
        (name, *_discs(coordinates, shown, look, () if outlines is None else outlines[part]))
        for name, shown, look, part in looks
    ]
    scale = WIDTH / max(_size(frame)[0] for *_, frame in polygons)
    return [View(name, *_rasterise(*drawn, scale)) for name, *drawn in polygons]


def _seen(coordinates, look):
    """Coordinates as the eye has them: horizontal, vertical, towards the eye."""
    return np.stack([sign * coordinates[:, axis] for axis, sign in look], axis=1)


def _mesh_view(name, coordinates, faces, nodes, look, scale):
    """Draw a surface; every corner of a triangle shows the node of its vertex."""
    seen = _seen(coordinates, look)
    facing = _facing(seen, faces)
    front = faces[facing[faces].max(axis=1) > 0]
    corners = seen[front]
    middle, centre = (corners + np.roll(corners, -1, axis=1)) / 2, corners.mean(axis=1, keepdims=True)
    before = np.roll(middle, 1, axis=1)
    kites = np.stack([corners, middle, np.broadcast_to(centre, corners.shape), before], axis=2)
    order = np.argsort(centre[:, 0, 2], kind="stable")
    vertices = front[order].ravel()
    light = DARKEST + (1 - DARKEST) * np.clip(facing[vertices], 0, 1)
    polygons = kites[order].reshape(-1, 4, 3)[:, :, :2]
    return View(name, *_rasterise(polygons, nodes[vertices], light, _frame(seen), scale))


def _facing(seen, faces):
    """Cosine between the outward normal of every vertex and the direction to the eye."""
    corners = seen[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros_like(seen, dtype=float)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], normals)
    summed /= np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    outward = np.sign(np.sum(summed * (seen - seen.mean(axis=0))))
    return outward * summed[:, 2]


def _frame(*groups):
    """Limits of what is drawn: left, right, bottom, top in mm."""
    points = np.concatenate([group[:, :2] for group in groups])
    (left, bottom), (right, top) = points.min(axis=0) - MARGIN, points.max(axis=0) + MARGIN
    return left, right, bottom, top


def _size(frame):
    """Width and height of a frame in mm."""
    left, right, bottom, top = frame
    return right - left, top - bottom


def _rasterise(polygons, numbers, light, frame, scale):
    """Draw polygons, the first at the back; give the number and the light of every pixel.

    Red and green carry the number, blue the light, without smoothing, so that they can be read back.
    """
    coded = np.asarray(numbers) - EMPTY
    colours = np.stack([coded // 256, coded % 256, np.rint(255 * np.asarray(light))], axis=1) / 255
    inches = [2 * round(scale * length / 2) / 100 for length in _size(frame)]
    figure = Figure(figsize=inches, dpi=100, facecolor=(0, 0, 0))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=frame[:2], ylim=frame[2:])
    # Lines of the same colour close the gaps that unsmoothed polygons leave between each other.
    axes.add_collection(
        PolyCollection(polygons, facecolors=colours, edgecolors=colours, linewidths=0.4, antialiased=False)
    )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    red, green, blue = np.moveaxis(np.asarray(canvas.buffer_rgba())[:, :, :3].astype(np.int32), 2, 0)
    return (256 * red + green + EMPTY).astype(np.int16), blue.astype(np.uint8)


def _discs(coordinates, shown, look, outlines):
    """Polygons, numbers and light of discs on the outline of the brain, far ones first, and the frame."""
    seen, behind = _seen(coordinates, look), [(_seen(points, look), faces) for points, faces in outlines]
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)
    order = np.flatnonzero(shown)[np.argsort(seen[shown, 2], kind="stable")]
    # A darker rim tells discs of the same colour apart.
    rings = [(DISC, DARKEST), (0.82 * DISC, 1.0)]
    discs = [(seen[node, :2] + radius * circle, node, light) for node in order for radius, light in rings]
    backs = [(triangle, NO_NODE, 1.0) for points, faces in behind for triangle in points[faces][:, :, :2]]
    frame = _frame(seen[shown] - DISC, seen[shown] + DISC, *(points for points, _ in behind))
    return *zip(*(backs + discs), strict=True), frame


@dataclass(frozen=True, eq=False)
class Scale:
    """How values become colours.

    Attributes
    ----------
    low, high : float
        Values of both ends.
    colours : matplotlib.colors.Colormap
    """

    low: float
    high: float
    colours: object

    def __call__(self, values):
        """Colours of values, (..., 3) in 0 to 1; NaN is grey."""
        values = np.asarray(values, dtype=float)
        span = self.high - self.low or 1.0
        found = np.asarray(self.colours(np.clip((values - self.low) / span, 0, 1)))[..., :3]
        return np.where(np.isfinite(values)[..., None], found, to_rgb(NOTHING))

    @property
    def stops(self):
        """Nine colours from low to high, as CSS has them."""
        return [hexadecimal(step) for step in self.colours(np.linspace(0, 1, 9))]


def hexadecimal(colour):
    """A colour as CSS has it."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour[:3])


def colormap(name):
    """A colour map of matplotlib."""
    return colormaps[name]


def sequential(values, colours=SEQUENTIAL):
    """Scale from the smallest to the largest value."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    ends = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    return Scale(float(ends[0]), float(ends[1]), colormap(colours))


def diverging(values):
    """Scale that is white at zero and reaches as far on both sides."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    end = float(np.abs(finite).max()) if len(finite) else 1.0
    return Scale(-end, end, DIVERGING)


def paint(views, values, scale, alt):
    """Colour all views, side by side.

    Parameters
    ----------
    views : list of View
    values : (N,) array
        One per node; NaN where there is none.
    scale : Scale
    alt : str

    Returns
    -------
    Picture
        A PNG with few colours.
    """
    from PIL import Image

    colours = np.concatenate([[(1.0, 1.0, 1.0), to_rgb(GREY)], scale(values)])
    parts = [_smaller(colours[view.nodes - EMPTY] * _light(view)) for view in views]
    tallest = max(part.shape[0] for part in parts)
    padded = [np.pad(part, _centred(part, tallest), constant_values=1.0) for part in parts]
    whole = Image.fromarray(np.rint(255 * np.concatenate(padded, axis=1)).astype(np.uint8))
    buffer = io.BytesIO()
    few = whole.quantize(N_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(buffer, format="png", optimize=True)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/png;base64,{encoded}", alt)


def _light(view):
    return np.where(view.nodes == EMPTY, 1.0, view.shade / 255)[..., None]


def _smaller(pixels):
    """Half as many pixels each way, each the mean of four."""
    height, width = (2 * (size // 2) for size in pixels.shape[:2])
    return pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))


def _centred(part, height):
    above = (height - part.shape[0]) // 2
    return ((above, height - part.shape[0] - above), (0, 0), (0, 0))
