"""Pages of the site that are written from the schema, the data dictionary and the docstrings."""

import yaml

#: Title of a page to its modules of cubnm_core.
API = {
    "Sweeps and fits": [
        "interface.exploration",
        "interface.outcome",
        "interface.scans",
        "interface.matrices",
        "datasets",
    ],
    "Simulation": ["simulation.simulation", "equations.model", "measures.connectivity"],
    "Observables": ["measures.observables.panel", "measures.observables.scan", "measures.user_terms"],
    "Search": [
        "measures.objective",
        "measures.distances",
        "fitting.search_space",
        "fitting.optimisers",
        "fitting.run",
    ],
    "Evidence": [
        "fitting.candidates",
        "fitting.packing",
        "evidence.evaluation",
        "evidence.global_signal",
        "evidence.cross",
        "evidence.identification",
        "connectomes.rewiring",
        "evidence.nulls",
    ],
    "Linear response": [
        "linear.response",
        "linear.branches",
        "linear.spectra",
        "linear.sampling",
        "linear.uncertainty",
    ],
    "Identifiability and reliability": ["evidence.identifiability", "evidence.twins", "evidence.reliability"],
    "Statistics": [
        "statistics.paired",
        "statistics.linear_models",
        "statistics.mixed",
        "statistics.exchange",
        "statistics.permutation",
        "statistics.combat",
        "statistics.power",
        "statistics.spins",
    ],
}

#: Functions that stand on the first page of the reference.
MOST_USED = ("simulate", "fit", "grid", "score", "linear_response")


def pages(root):
    """Give every generated page: dict of name to text.

    Parameters
    ----------
    root : Path
        Of the repository.
    """
    schemas = root / "config" / "schema"
    return {
        "tables.md": tables_page(_read(schemas / "columns.yaml")),
        **api_pages(),
    }


def tables_page(known):
    """Every table of the cohort and its columns, from the data dictionary."""
    lines = [
        "# Every column of the tables",
        "",
        "In `results/cohort/`, each with a JSON data dictionary of the same content.",
        "",
    ]
    lines += ["## Columns of many tables", "", *column_rows({**known["columns"], **known["patterns"]}), ""]
    for name, table in known["tables"].items():
        lines += [f"## {name}.tsv", "", table["Description"], "", *column_rows(table.get("columns", {})), ""]
    return "\n".join(lines)


def column_rows(columns):
    """Give the rows of a table of columns, none where a table has no columns of its own."""
    rows = []
    for name, column in columns.items():
        levels = "; ".join(f"`{level}`: {meaning}" for level, meaning in column.get("Levels", {}).items())
        meaning = _one_line(f"{column['Description']} {levels}")
        rows.append(f"| `{name}` | {column.get('Units', '')} | {meaning} |")
    return ["| column | unit | meaning |", "|---|---|---|", *rows] if rows else []


def api_pages():
    """Functions and classes, from their docstrings: a page per topic, and one that lists them."""
    found = {_page_name(title): module_page(title, names) for title, names in API.items()}
    lines = [
        "# Functions",
        "",
        "First steps: [simulating from Python](simulation/index.md).",
        "",
    ]
    lines += ["```{toctree}", ":maxdepth: 2", *(name.removesuffix(".md") for name in found), "```", ""]
    lines += ["## Most used", ""]
    for name in MOST_USED:
        lines += _directive("autofunction", f"cubnm_core.{name}")
    lines += _directive("autofunction", "workflow_scripts.simulate_person.simulate_person")
    return {"api.md": "\n".join(lines), **found}


def module_page(title, names):
    """Public functions and classes of some modules of cubnm_core."""
    lines = [f"# {title}", ""]
    options = (":members:", f":exclude-members: {', '.join(MOST_USED)}")  # which stand on the page before
    for name in names:
        lines += [f"## cubnm_core.{name}", "", *_directive("automodule", f"cubnm_core.{name}", *options)]
    return "\n".join(lines)


def _directive(kind, name, *options):
    return ["```{eval-rst}", f".. {kind}:: {name}", *(f"   {option}" for option in options), "```", ""]


def _page_name(title):
    return f"api_{title.split()[0].lower()}.md"


def _read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _one_line(text):
    return " ".join(str(text).split()).replace("|", "\\|")
