"""From matplotlib's SVG to inline SVG: small, with unique names and links from points to people."""

import base64
import hashlib
import io
import re
from urllib.parse import quote, unquote

from markupsafe import Markup, escape
from PIL import Image

PERSON = "person:"  # how a figure names the unit that a point stands for
FOLDER = "people"  # of the pages of people, beside the page of the cohort

_TAG = re.compile(r"<[^>]+>")
_DIGITS = re.compile(r"(\d\.\d\d)\d+")
_LINK = re.compile(rf'<a xlink:href="{PERSON}([^"]*)"[^>]*>')
_NAME = re.compile(r' id="([^"]*)"')
_IMAGE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
COLOURS = 128  # of an image within a figure
_FAMILY = re.compile(r" font-family: ([^;\"]*);")
_NAMED = re.compile(r'(?:url\(#|href="#)([^")]+)')


def link_people(collection, units):
    """Let every point of a scatter lead to the page of a person.

    Parameters
    ----------
    collection : matplotlib.collections.Collection
    units : iterable of str
        One for each point, in the order of the points.
    """
    collection.set_urls([PERSON + quote(str(unit), safe="") for unit in units])


def has_links(svg):
    """Whether any point of a figure represents a person."""
    return f'"{PERSON}' in svg


def lighten(svg):
    """Make a figure of matplotlib's a third of its size, with nothing lost that can be seen.

    Coordinates are rounded to a hundredth of a point, line breaks go, and images within get a palette.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    used = set(_NAMED.findall(body))
    body = _NAME.sub(lambda found: found[0] if found[1] in used else "", body)
    body = _IMAGE.sub(lambda found: f"data:image/png;base64,{_with_palette(found[1])}", body)
    body = re.sub(r">\s*\n\s*<", "><", body).replace("\n", " ")
    body = re.sub(r' transform="rotate\(-0 [^"]*"|<g/>|(?<=[^ ]) (?= )', "", body)
    families = set(_FAMILY.findall(body))
    if len(families) == 1:  # named once, not with every word
        body = _FAMILY.sub("", body).replace("<svg ", f'<svg font-family="{families.pop()}" ', 1)
    return _TAG.sub(lambda tag: _DIGITS.sub(r"\1", tag[0]) if "base64" not in tag[0] else tag[0], body)


def data_uri(svg):
    """Give a figure as the address of an image."""
    return "data:image/svg+xml," + quote(svg, safe=" ,;:/=()+")


def _with_palette(encoded):
    """One PNG image, as base64, with few colours and without a word of where it comes from."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    light, buffer = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE), io.BytesIO()
    light.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def inline(svg, alt):
    """Make a figure part of a page, so that its points can be clicked.

    Parameters
    ----------
    svg : str
        From :func:`lighten`.
    alt : str
        Name of the figure for those who cannot see it.

    Returns
    -------
    markupsafe.Markup
        Links lead from the page of the cohort to those of people and carry the unit as title.
    """
    body = re.sub(r"<style [^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    # Names in a page must be unique, and every figure of matplotlib's names its parts alike.
    token = hashlib.sha256(f"{alt}{body}".encode()).hexdigest()[:8]
    body = re.sub(r'( id="|url\(#|href="#)', rf"\1f{token}-", body)
    body = _LINK.sub(_link, body).replace("xlink:href", "href")
    body = re.sub(r"<g>\s*</g>", "", body)
    view = re.search(r'viewBox="([^"]*)"', body)[1]
    width = view.split()[2]
    family = re.search(r'font-family="[^"]*"', body)
    named = f'<svg class="drawn" role="group" aria-label="{escape(alt)}" {family[0] if family else ""}'
    start = f'{named} viewBox="{view}" width="{width}pt" xmlns="http://www.w3.org/2000/svg">'
    return Markup(re.sub(r"<svg[^>]*>", lambda _: start, body, count=1))


def person_address(unit):
    """Address of a person's page, seen from the folder of the pages of people."""
    return f"{quote(str(unit))}.html"


def _link(found):
    unit = unquote(found[1])
    return f'<a href="{FOLDER}/{person_address(unit)}"><title>{escape(unit)}</title>'
