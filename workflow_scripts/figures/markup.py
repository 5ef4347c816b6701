"""From matplotlib's SVG to what stands in a page: small, no name twice, points that lead to people."""

import hashlib
import re
from urllib.parse import quote, unquote

from markupsafe import Markup, escape

PERSON = "person:"  # how a figure names the unit that a point stands for
FOLDER = "people"  # of the pages of people, beside the page of the cohort

_TAG = re.compile(r"<[^>]+>")
_DIGITS = re.compile(r"(\d\.\d\d)\d+")
_LINK = re.compile(rf'<a xlink:href="{PERSON}([^"]*)"[^>]*>')
_NAME = re.compile(r' id="([^"]*)"')
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
    """Say whether some point of a figure stands for a person."""
    return f'"{PERSON}' in svg


def shortened(svg):
    """Round coordinates to a hundredth of a point, which no eye sees and which halves the file."""
    return _TAG.sub(lambda tag: _DIGITS.sub(r"\1", tag[0]) if "base64" not in tag[0] else tag[0], svg)


def inline(svg, alt):
    """Make a figure part of a page, so that its points can be clicked.

    Parameters
    ----------
    svg : str
        As matplotlib writes it.
    alt : str
        Name of the figure for those who cannot see it.

    Returns
    -------
    markupsafe.Markup
        Links lead from the page of the cohort to those of people and carry the unit as title.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style [^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    used = set(_NAMED.findall(body))
    body = _NAME.sub(lambda found: found[0] if found[1] in used else "", body)
    # Names in a page must be unique, and every figure of matplotlib's names its parts alike.
    token = hashlib.sha256(f"{alt}{body}".encode()).hexdigest()[:8]
    body = re.sub(r'( id="|url\(#|href="#)', rf"\1f{token}-", body)
    body = _LINK.sub(_link, body).replace("xlink:href", "href")
    body = re.sub(r"<g>\s*</g>", "", body)
    view = re.search(r'viewBox="([^"]*)"', body)[1]
    width = view.split()[2]
    start = f'<svg class="drawn" role="group" aria-label="{escape(alt)}" viewBox="{view}" width="{width}pt"'
    return Markup(re.sub(r"<svg[^>]*>", f'{start} xmlns="http://www.w3.org/2000/svg">', body, count=1))


def person_address(unit):
    """Address of a person's page, seen from the folder of the pages of people."""
    return f"{quote(str(unit))}.html"


def _link(found):
    unit = unquote(found[1])
    return f'<a href="{FOLDER}/{person_address(unit)}"><title>{escape(unit)}</title>'
