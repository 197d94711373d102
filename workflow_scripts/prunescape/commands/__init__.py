"""What each command of `prunescape` takes and does; imports come when a command runs."""
