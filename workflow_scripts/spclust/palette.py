"""Colours of clusters and classes."""

# The first six are Okabe and Ito's. The others were chosen one by one, each the farthest from
# all before it as seen with normal and with each kind of colour-deficient sight (OKLab distance,
# Machado's simulation), away from the greys that mean "right" and "not scored". No set of 32 is
# safe by colour alone: cluster numbers are written into the UMAP too.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#870F2D", "#4B3C78",
    "#A569FF", "#003CC3", "#87F069", "#964B1E", "#96C387", "#875A78", "#784BE1", "#FF78D2",
    "#C32DA5", "#B4C3FF", "#D20F4B", "#FF4B5A", "#3C694B", "#8778D2", "#8796FF", "#E1C300",
    "#781E5A", "#D296A5", "#694B78", "#F0A5C3", "#690096", "#0FB478", "#B4E1A5", "#F0781E",
)  # fmt: skip
