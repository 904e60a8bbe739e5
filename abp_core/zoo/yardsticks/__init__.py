"""What real data and samples are measured with: one yardstick for each kind of data.

A yardstick holds one data set and whatever of it is compared, worked out once. `floors` tells what
the real data scores against itself, `measure` what three samples of a model score. The figures of
a model in a few numbers: `summary.py`.
"""
