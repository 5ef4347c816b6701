"""The cohort report, section by section: each module says what one section of the page shows."""
