"""A synthetic cohort in which every name that tells of a person can be searched for."""

from unittest.mock import patch

from report_cohort import MadeCohort

from workflow_scripts.report import person_figures
from workflow_scripts.report.figures.style import Picture

PEOPLE = ("Qzalpha", "Qzbravo", "Qzcharlie", "Qzdelta", "Qzecho", "Qzfoxtrot", "Qzgolf")
SESSION = "Wvfirst"
FAILED = "Qzgolf"
FOLDER = "/Xkarchive/Xkstudy"
CHECKSUM = "f00dfeed"
SITE = "Yjhospital"
# In no page that is handed on, in any spelling.
SECRETS = (*PEOPLE, SESSION, "Xkarchive", "Xkstudy", CHECKSUM, SITE, "Xkfile")


class PlantedCohort(MadeCohort):
    """Seven people, six of whom could be fitted, with names, sessions, paths and checksums that stand out."""

    def __init__(self, folder, **settings):
        reason = f"{FOLDER}/sub-{FAILED}/Xkfile.tsv cannot be read"
        common = {"people": len(PEOPLE), "nodes": 8, "generations": 4}
        super().__init__(folder, **common, **settings)
        self.ids = [
            {"unit": f"sub-{name}_ses-{SESSION}", "participant_id": name, "session_id": SESSION}
            for name in PEOPLE
        ]
        self.failed = {f"sub-{FAILED}_ses-{SESSION}": reason}

    def write(self):
        """Leave out what takes longest: a square stands for every picture of a person."""
        square = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'/>"
        with patch.object(person_figures, "picture", lambda *_, alt: Picture(square, alt)):
            return super().write()

    def provenance(self):
        """Files and checksums of everybody."""
        found = super().provenance()
        found["inputs"] = {
            f"{FOLDER}/sub-{name}/Xkfile.tsv": f"{CHECKSUM}{place:056x}" for place, name in enumerate(PEOPLE)
        }
        found["software"]["commit"] = CHECKSUM
        found["seeds"]["added_in_session"] = {SESSION: 5}
        found["config"] |= {"manifest": f"{FOLDER}/manifest.tsv", "nodes": f"{FOLDER}/nodes.tsv"}
        return found

    def participant_rows(self):
        """A site of few people beside the groups."""
        rows = super().participant_rows()
        for place, row in enumerate(rows):
            row |= {"age": 30 + place, "site": SITE if place < 2 else "usual"}
        return rows
