"""From folders of derivatives to the tables of a cohort: what lies there, what is meant, who has what."""
