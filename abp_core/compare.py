"""Several methods on the same data without a screen: python -m abp_core.compare (see
cli/compare.py)."""

from abp_core.cli import arguments
from abp_core.cli.compare import main

if __name__ == "__main__":
    arguments.run(main)
