"""What follows the run: the step and the metric of the walk."""
