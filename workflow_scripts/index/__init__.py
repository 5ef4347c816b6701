"""From folders of derivatives to the tables of a cohort: find, choose, pair and write."""
