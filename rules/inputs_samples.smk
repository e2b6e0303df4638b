"""Input functions of the rules for sheets of samples; no rule."""

# of which a sheet says something
SAMPLED = [name for name in PLAN.datasets if "samples" in PLAN.slices[name]]


def sheet_of_samples(wildcards):
    """Input function: what the user says of the images of a dataset."""
    return as_named(PLAN.slices[wildcards.dataset]["samples"])
