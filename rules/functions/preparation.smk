"""What the rules of the preparation need: rows of the manifest and files of a batch."""


def connectome_rows(wildcards):
    """Rows of the manifest with the connectomes of a batch, by unit."""
    return {unit: in_order(found["connectome"]) for unit, found in COHORT.units(wildcards.batch).items()}


def bold_rows(wildcards):
    """Rows of the manifest with the scans of a batch, by unit."""
    return {unit: in_order(found["bold"]) for unit, found in COHORT.units(wildcards.batch).items()}


def in_order(rows):
    """Rows of a unit in an order of their own, so that nothing depends on that of the manifest."""
    return sorted(rows, key=lambda row: (row["kind"], row["run_id"] or "", row["path"]))


def connectome_files(wildcards):
    """Files of the connectomes of a batch, and those that name their nodes."""
    return files_of(row for rows in connectome_rows(wildcards).values() for row in rows)


def bold_files(wildcards):
    """Scans of a batch, and what is read beside them: JSON files, names of nodes."""
    return files_of(row for rows in bold_rows(wildcards).values() for row in rows)


def precomputed_rows(wildcards):
    """Rows of the manifest with FC and FCD computed elsewhere, of the units of a batch that have any."""
    rows = bold_rows(wildcards)
    found = {unit: [row for row in mine if row["kind"] in KINDS] for unit, mine in rows.items()}
    return {unit: mine for unit, mine in found.items() if mine}


def precomputed_files(wildcards):
    """FC and FCD computed elsewhere, of a batch, and what is read beside them."""
    return files_of(row for rows in precomputed_rows(wildcards).values() for row in rows)


def files_of(rows):
    """Every file that is read for some rows of the manifest, once."""
    return list(dict.fromkeys(path for row in rows for path in readers.sources(row)))


def node_set(wildcards):
    """Digest of what was decided for the whole cohort, as far as it is decided yet."""
    return tables.node_set(COMMON)


def planned_manifest():
    """Manifest of the synthetic cohort that is going to be made."""
    return tables.plan_manifest(CONFIG["synthetic"])
