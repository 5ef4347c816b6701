"""What `gpu.py` measured, as a page for people."""

COLUMNS = {
    "correctness": ("model", "delayed", "precision", "error", "agrees"),
    "every_form": ("form", "delayed", "agrees"),
    "sanitizers": ("tool", "found"),
    "batches": ("batch", "rate", "device", "share", "cuBNM", "ratio"),
    "nodes": ("nodes", "batch", "dt", "rate", "device", "share", "cuBNM", "ratio"),
    "connectivity": ("batch", "memory", "without", "with", "scores", "share of with", "share of scores"),
    "cubnm": ("nodes", "batch", "dt", "seconds", "rate", "start"),
    "choice": ("batch", "rate", "device", "lanes", "rows", "cols", "weights", "split", "stepwise"),
    "counters": ("batch", "found"),
}
TITLES = {
    "correctness": "Largest difference from the reference, relative to the largest value",
    "every_form": "The same bits in every form",
    "sanitizers": "NVIDIA's checks of memory and races on every form",
    "batches": "Simulated seconds per second, 100 nodes, time step 0.1 ms; `device`: of the kernels alone",
    "nodes": "Simulated seconds per second, by number of nodes",
    "connectivity": "Seconds for scans of 900 s without and with FC and FCD, or scores in their place",
    "cubnm": "cuBNM 0.1.0 on the same card",
    "choice": "Forms beside the one chosen, which stands first",
    "counters": "Counters of one launch of the integration",
}
NOT_MEASURED = "not measured"


def markdown(result):
    """The whole of a result.

    Parameters
    ----------
    result : dict
        As written to the JSON file; parts that were not measured may be missing.

    Returns
    -------
    str
    """
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [f"# {result['card']}", "", f"`python benchmarks/gpu.py`; {versions}.", ""]
    for part, title in TITLES.items():
        lines += [f"**{title}.** {_about(result, part)}", ""]
        if part in result:
            rows = _beside_cubnm(result, part)
            more = [name for name in (rows or [{}])[0] if part == "counters" and name not in COLUMNS[part]]
            lines += [*_table(rows, [*COLUMNS[part], *more]), ""]
    return "\n".join(lines)


def _about(result, part):
    """When a part was measured, if it was."""
    about = result.get("parts", {}).get(part)
    if about is None:
        return NOT_MEASURED.capitalize() + "."
    return f"({'`--quick`, ' if about['quick'] else ''}{about['date']})"


def _beside_cubnm(result, part):
    """Rows of a part with the rate of cuBNM in the same case."""
    rates = {_case(row): row["rate"] for row in result.get("cubnm", []) if "rate" in row}
    if part not in ("batches", "nodes"):
        return result[part]
    return [{**row, "cuBNM": NOT_MEASURED, **_ratio(row, rates.get(_case(row)))} for row in result[part]]


def _case(row):
    return row.get("nodes"), row.get("batch"), row.get("dt")


def _ratio(row, rate):
    return {} if rate is None or "rate" not in row else {"cuBNM": rate, "ratio": row["rate"] / rate}


def _table(rows, columns):
    """A table, with a column for what failed if anything did."""
    columns = [*columns, "failed"] if any("failed" in row for row in rows) else columns
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return head + ["| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |" for row in rows]


def _cell(value):
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return str(value).replace("|", "/").replace("\n", " ")
