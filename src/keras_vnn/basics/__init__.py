"""What every part stands on: errors, files, provenance, tables of text, bundled data. Knows nothing of biology."""
