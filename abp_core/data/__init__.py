"""From files, which may be hostile, to signals in [-1, 1]."""
