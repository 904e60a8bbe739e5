"""The studio. Only `workbench.py` knows the engine; everything here shows arrays and strings."""
