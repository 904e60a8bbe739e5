"""Training without a screen: python -m abp_core.train (see cli/train.py)."""

from abp_core.cli import arguments
from abp_core.cli.train import main

if __name__ == "__main__":
    arguments.run(main)
