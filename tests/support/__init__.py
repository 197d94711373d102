"""What several test modules need: a project to run, tables, models, data."""
