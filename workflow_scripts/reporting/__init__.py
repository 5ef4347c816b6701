"""The cohort report, section by section: each module reads the cohort's tables and says what one section of the page shows."""
