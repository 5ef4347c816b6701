"""What every script needs to read and write files."""
