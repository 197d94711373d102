"""What several seeds tell of landscapes."""
