"""Pictures and sounds of a model: python -m abp_core.synthesise (see cli/synthesise.py)."""

from abp_core.cli import arguments
from abp_core.cli.synthesise import main

if __name__ == "__main__":
    arguments.run(main)
