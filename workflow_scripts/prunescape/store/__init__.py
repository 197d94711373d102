"""Files that are whole and checked: JSON, Parquet, schemas, folders of this user."""
