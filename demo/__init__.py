"""The studio. Only `workbench` knows the engine; everything here shows arrays and strings."""
