"""What a reader sees: figures, tables of a paper, the report."""
