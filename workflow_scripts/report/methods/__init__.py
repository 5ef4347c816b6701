"""A paragraph for the methods section of a paper, with its sources."""

import base64

from workflow_scripts.report.methods import data, evidence, fits
from workflow_scripts.report.methods.sources import SOURCES, bibliography
from workflow_scripts.report.section import Section

NAME = "methods"
SOFTWARE = ("cubnm_core", "snakemake", "numpy", "numba", "pymoo")


def section(cohort):
    """Sentences with numbered sources, in the order in which they are cited."""
    return _section(paragraphs(cohort))


def aggregate(cohort):
    """The same without numbers of few people."""
    return _section(paragraphs(cohort, cohort.smallest_group))


def paragraphs(cohort, smallest=0):
    """The whole text.

    Parameters
    ----------
    cohort : workflow_scripts.report.cohort.Cohort
    smallest : int
        No fewer people than this are counted.

    Returns
    -------
    list of list of (str, list of Source)
        Sentences by paragraph.
    """
    parts = [data.sentences(cohort, smallest), *(fits.sentences(cohort, fit) for fit in cohort.all_fits)]
    parts.append([*evidence.sentences(cohort, smallest), *_workflow(cohort)])
    return [
        [(text, [SOURCES[one] if isinstance(one, str) else one for one in cited]) for text, cited in part]
        for part in parts
    ]


def references(sections):
    """The sources of the text as a BibTeX file; empty where there is no text.

    Parameters
    ----------
    sections : list of workflow_scripts.report.section.Section
        Of the page, this one among them.
    """
    return next((one.context.get("references", "") for one in sections if one.name == NAME), "")


def cited(text):
    """Sources in the order in which they are first cited."""
    return list({source.key: source for part in text for _, found in part for source in found}.values())


def markdown(text):
    """The text with citations as Pandoc, Quarto and R Markdown read them."""
    told = [[_pandoc(words, found) for words, found in part] for part in text]
    return "\n\n".join(" ".join(part) for part in told) + "\n"


def _pandoc(words, found):
    """A sentence with its citations before the full stop."""
    keys = "; ".join(f"@{source.key}" for source in found)
    return f"{words.removesuffix('.')} [{keys}]." if found else words


def _section(text):
    sources = cited(text)
    number = {source.key: place for place, source in enumerate(sources, start=1)}
    context = {
        "paragraphs": [
            [(words, [number[source.key] for source in found]) for words, found in part] for part in text
        ],
        "sources": sources,
        "references": bibliography(sources),
        "downloads": {
            "references.bib": _address(bibliography(sources), "application/x-bibtex"),
            "methods.md": _address(markdown(text), "text/markdown"),
        },
    }
    return Section(NAME, "Methods text", "methods.html.j2", context)


def _address(text, kind):
    """A file that is part of the page, as an address."""
    encoded = base64.b64encode(text.encode("utf-8")).decode("ascii")
    return f"data:{kind};charset=utf-8;base64,{encoded}"


def _workflow(cohort):
    """What computed."""
    software, rows = cohort.provenance["software"], cohort.table("fits")
    versions = ", ".join(f"{name} {software[name]}" for name in SOFTWARE if software.get(name))
    devices = sorted(set(rows["device"].dropna())) if "device" in rows else []
    on = f" on {'; '.join(devices)}" if devices else ""
    ran = f"A Snakemake workflow ran the analysis{on} ({versions})."
    return [(fits.NOISE, ["salmon2011"]), (ran, ["molder2021"])]
