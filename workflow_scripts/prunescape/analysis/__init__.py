"""Everything that is computed from a table of cells or of measurements; no torch."""
