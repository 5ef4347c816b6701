"""Command: write the node table of a parcellation from a file that names its parcels.

python -m workflow_scripts.make_nodes nodes.tsv atlas-4S156Parcels_dseg.tsv
python -m workflow_scripts.make_nodes nodes.tsv lh.schaefer.label.gii rh.schaefer.label.gii
"""

import argparse
import sys
from collections import Counter

from cubnm_core.errors import InputError
from workflow_scripts.atlases.families import schaefer_networks
from workflow_scripts.atlases.node_tables import OPTIONAL, STRUCTURES, make_nodes
from workflow_scripts.files import job


def main(arguments=None):
    """Write the table and, beside it, where it came from and what was dropped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0].removeprefix("Command: "))
    parser.add_argument("table", help="the node table to write, such as nodes.tsv")
    parser.add_argument(
        "files", nargs="+", help="a file that names the parcels, or one per hemisphere, left first"
    )
    parser.add_argument(
        "--structures", nargs="+", choices=STRUCTURES, default=["cortex"], help="what to model"
    )
    parser.add_argument("--structure", choices=STRUCTURES, help="of parcels whose name does not tell it")
    asked = parser.parse_args(arguments)
    try:
        rows, dropped = make_nodes(asked.files, asked.structures, asked.structure)
    except (InputError, OSError) as error:
        sys.exit(str(error))
    columns = ["index", "label", "hemisphere", "structure"]
    columns += [name for name in OPTIONAL if any(row[name] is not None for row in rows)]
    job.write_tsv(asked.table, rows, columns=columns)
    sources = [{"path": path, "sha256": job.sha256(path)} for path in asked.files]
    networks = schaefer_networks([row["label"] for row in rows])
    record = {
        "sources": sources,
        "structures": asked.structures,
        "schaefer_networks": networks,
        "dropped": dropped,
    }
    job.write_json(asked.table.removesuffix(".tsv") + ".json", record)
    counts = Counter(f"{row['hemisphere']} {row['structure']}" for row in rows)
    print(f"{asked.table}: {len(rows)} nodes ({', '.join(f'{n} {name}' for name, n in counts.items())})")
    for entry in dropped:
        print(f"  left out: {entry['label']} ({entry['reason']})")


if __name__ == "__main__":
    main()
