"""The command lines: `python -m abp_core.train`, `python -m abp_core.synthesise`."""
