"""The report of a study: sentences, tables and the page."""
