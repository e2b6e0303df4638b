"""Groups of runs: a comparison holds those of one group against each other (key ``group``)."""

# of runs that name none
GROUP = "own"
