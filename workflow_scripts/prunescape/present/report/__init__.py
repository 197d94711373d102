"""The report of a study: words, tables and the page."""
