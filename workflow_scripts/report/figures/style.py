"""How every figure looks, and how it becomes part of a page."""

import hashlib
import io
import pickle
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from workflow_scripts.report.figures import markup

WIDTH = 10.4  # inches of a figure across the page
LEGEND_COLUMNS = 6
LEGEND_MARK, LEGEND_LETTER = 0.6, 0.07  # inches of a mark with its margins, of a letter at 8 points
REMEMBERED = 64  # pictures
MANY = 300  # points from which a crowd of them is one image
INK, GREY, LIGHT = "#1f2933", "#7b8794", "#d9dfe6"
# Okabe and Ito's palette, told apart under the common kinds of colour blindness; most distant hues first.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D46", "#000000")
# Shapes repeat what colours say.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# Diverging around zero, blue to vermilion, white in the middle.
DIVERGING = LinearSegmentedColormap.from_list(
    "blue_white_vermilion", ["#08306b", "#2f7fbf", "#ffffff", "#e07b39", "#7f2704"], N=65
)  # few steps, small files
# From light to dark, for what has no middle.
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "light_to_blue", ["#f7f9fb", "#9ecae1", "#2f7fbf", "#08306b"], N=65
)

STYLE = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 100,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 9,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LIGHT,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.2,
    "lines.markersize": 5,
    # Text stays text (searchable, small); a fixed salt keeps the page the same bytes for the same results.
    "svg.fonttype": "none",
    "svg.hashsalt": "cohort report",
}


_RECENT = {}  # pictures by the digest of what they were asked with, oldest first


@dataclass(frozen=True)
class Picture:
    """A figure ready for a page: a data URI, or markup if it can be clicked; words that stand for it."""

    uri: str
    alt: str
    markup: str = ""


def picture(draw, *args, alt, **options):
    """Draw a figure in the common style and return it as a self-contained SVG.

    It becomes an image of the page, or a part of it where points lead to people
    (:func:`markup.link_people`). The page to hand on has many figures of the cohort's page: those drawn
    last are remembered.

    Parameters
    ----------
    draw : callable
        Returns a matplotlib.figure.Figure.
    alt : str
        What a reader who cannot see the figure is told.
    """
    asked = _digest((draw, args, alt, options))
    if asked not in _RECENT:
        _RECENT[asked] = _drawn(draw, args, alt, options)
        if len(_RECENT) > REMEMBERED:
            _RECENT.pop(next(iter(_RECENT)))
    return _RECENT[asked]


def _digest(asked):
    """Digest of everything a picture depends on; one of its own where that cannot be written down."""
    try:
        return hashlib.sha256(pickle.dumps(asked)).digest()
    except (pickle.PicklingError, AttributeError, TypeError):
        return object()


def _drawn(draw, args, alt, options):
    with matplotlib.rc_context(STYLE):
        figure = draw(*args, **options)
        _crowds_as_images(figure)
        _lay_out(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", dpi=120, metadata={"Date": None, "Creator": None})
    svg = markup.lighten(buffer.getvalue().decode("utf-8"))
    if markup.has_links(svg):
        return Picture("", alt, markup.inline(svg, alt))
    return Picture(markup.data_uri(svg), alt)


def _lay_out(figure):
    """Place everything as saving as SVG would, which for this draws the whole figure once more."""
    for side in (side for axis in figure.axes for side in (axis.xaxis, axis.yaxis)):
        if not side.get_label_text():
            side.set_label_coords(0.0, 0.0)  # else ticks are measured over and over to place no word
    FigureCanvasSVG(figure)  # words are as wide as in the file
    figure.dpi = 72  # of every SVG
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine(None)  # settled: saving need not draw for it


def _crowds_as_images(figure):
    """Thousands of points or lines become an image, unless a click on them leads somewhere."""
    for axis in figure.axes:
        for crowd in axis.collections:
            count = max(len(crowd.get_offsets()), len(crowd.get_paths()))
            if count > MANY and not any(crowd.get_urls()):
                crowd.set_rasterized(True)
        if len(axis.lines) > MANY:
            for line in axis.lines:
                line.set_rasterized(True)


def new_figure(width, height):
    """A figure of so many inches that keeps its own layout and no global state."""
    return Figure(figsize=(width, height), layout="constrained")


def legend_below(figure, handles):
    """A legend under all panels, in as many columns as its longest name leaves room for."""
    longest = max((len(handle.get_label()) for handle in handles), default=0)
    room = int(figure.get_figwidth() / (LEGEND_MARK + LEGEND_LETTER * longest))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(max(room, 1), LEGEND_COLUMNS))


def colours(names):
    """A colour for each name, in order, repeating after the palette's end."""
    return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(names)}


def markers(names):
    """A marker for each name, in order."""
    return {name: MARKERS[k % len(MARKERS)] for k, name in enumerate(names)}


def fixed(value):
    """Two decimals with the minus that the axes have."""
    return f"{value:.2f}".replace("-", "\u2212")


def jitter(count, width=0.16):
    """Horizontal offsets that keep points of one strip apart, the same at every drawing."""
    # Multiples of the golden ratio fill an interval evenly without a random state.
    return ((np.arange(1, count + 1) * 0.6180339887) % 1.0 - 0.5) * 2 * width
