"""Tables of cells from elsewhere: Parquet, CSV, Optuna storages."""
