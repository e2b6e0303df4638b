"""Columns of per-cell tables that are no protein, told by their names, and what they are."""

import re

from spclust.knowledge.channel_names import take_apart

# what a channel without a protein is called: by the whole name, then by a part of it
_BACKGROUND = re.compile(
    r"""
    ^(background|bg|blank|empty|noodle|void|auto[ _-]?fluo\w*|af|control|isotype|negative|neg)
     ([ _\-:.]*\w{0,3}\d\w*)*$                       # Blank_cyc1, bg2a, Control_488nm
    | ^(blank|empty|background|auto[ _-]?fluo\w*)([ _\-:.]|$) | [ _\-.](blank|empty|background)$
    | ^(af?|cy|fitc|tritc)[ _-]?(4\d\d|5\d\d|6\d\d|7\d\d)(nm)?([ _\-.]\w+)?$     # A488, AF_555
    | ^af[ _]?\d?$
    | ^(neg(ative)?[ _]?(prb|probe|control)\w*|system ?control\w*|(false|neg)code\w*)
    | ^(ms|mouse|rb|rabbit|rat|goat|gt|hamster|human|hu)[ _-]ig[gm]\w*
    | ^ig[gm]\d?[ _-](isotype|ctrl|control)
    | isotype
    # gas, dust, beads: 80ArAr, Xe131(Xe131Di), EQ4
    | ^(\d*(ar ?ar|xe|bckg|ba|hg|pb|ru|kr|cs|sn)\d*(d[id])?[\W_]*){1,2}$ | ^(127i|i127|140ce|ce140)$
    | ^eq[ _]?\d?([ _]?beads?)?$ | ^poly[ _-]?t$
    | ^(au|ca|fe|na|p|si|ta|c)$                                                  # bare elements
    | ^(event[ _]?length|time|offset|residual|center|width|bead\w*|viability|cisplatin)$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ELEMENT = (
    "Y|I|Xe|Ar|Rh|Pd|Ag|Cd|In|La|Ce|Pr|Nd|Sm|Eu|Gd|Tb|Dy|Ho|Er|Tm|Yb|Lu|Ir|Pt|Bi|Ba|Pb|Hg|Sn|Ru|Kr"
    "|Cs|Ga|Ge|Br|Sr|Zr|Nb|Mo|Te|Ta|W|Re|Os|Au|Tl|Fe|Co|Ni|Cu|Zn|Se|As|Hf|Sb"
)
_ISOTOPE = re.compile(rf"\d{{2,3}}({_ELEMENT})(Di|Dd)?|({_ELEMENT})\d{{2,3}}(Di|Dd)?")
_NUMBER = re.compile(r"(ch|chan|channel)[ _]?\d+")
# MIBI's segmentation takes them for the nucleus, and they part no types of cells
_HISTONE_MARK = re.compile(r"^(histone[ _-]?)?h3[ _-]?k(9[ _-]?ac|27[ _-]?me3)$", re.IGNORECASE)
_NUCLEAR = re.compile(
    r"""
    (^|[^a-z])([ds]s)?dna[ _-]?\d*($|[^a-z0-9 _-]|[ _-](?!pk))
    | ha?ematoxylin | ^eosin([ _-]?od)?$
    | dapi|hoechst|draq\s?\d|sytox|syto\d+|iridium|intercalator|(^|[^a-z0-9])19[13]ir|ir19[13]
    | ^(hh3|histones?([ _-]?h3)?|h3)$
    | ^(propidium[ _-]?iodide|nucle(us|i|ar)([ _-]?(stain|marker|channel|mask))?)$
    """,
    re.IGNORECASE | re.VERBOSE,
)
# words of a name, singular; camel case is split
_WORDS = {
    "shape": """area perimeter eccentricity solidity circularity roundness orientation diameter
        caliper length width height axis aspect compactness convex euler feret elongation sphericity
        volume moment zernike radius bbox anisotropy texture haralick granularity concavity hull
        touching concavities equivalent size border edge extent skewness formfactor
        ellipse boundary curvature intensity
        inertia tensor filled thickness smoothness irregularity rotation angle theta contrast
        homogeneity dissimilarity energy correlation asm gabor brightness snr focus overlap rg
        major minor speed velocity weight""",
    "place": """centroid coord coordinate position location tile xmin xmax ymin ymax pixel
        micron xtile ytile depth latitude left top right bottom global""",
    "name or number": """index number filename file path image sample slide slice scene core
        tma roi region acquisition fov donor barcode parent object label batch spot well plate run
        section rowname unnamed event instance mask annotation name exposure gain
        laser timestamp""",
    "patient": """patient subject age sex gender stage grade diagnosis response survival status
        treatment timepoint dose day week month year pfs censor therapy cohort group condition
        case outcome relapse smoker bmi visit arm follow time allred cps tps til""",
    "earlier result": """cluster clusters clust leiden louvain phenograph flowsom metacluster kmeans
        seurat community neighborhood neighbourhood niche cn scgp class type celltype phenotype
        population lineage subset code domain compartment gate tissue microenvironment
        immune tumor tumour stroma truth gt annot""",
    "embedding": """umap tsne pca phate latent embedding diffmap isomap""",
    "score": """prob probab probability confidence entropy pseudotime likelihood posterior
        uncertainty loss dpt silhouette logit pvalue qvalue zscore score doublet purity iou
        mahalanobis lof anomaly outlier moran lisa""",
    "count or distance": """count distance dist neighbor neighbour nearest percent pct fraction
        ratio density completeness subcellular ngenes ncounts transcript transcripts counts""",
}
_KIND = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_WHOLE = {
    **dict.fromkeys("x y z xx yy zz xc yc row col column rows cols".split(), "place"),
    **dict.fromkeys("x0 y0 z0 x1 y1 z1 x2 y2 z2".split(), "place"),
    **dict.fromkeys("cell cells no n".split(), "name or number"),
    **dict.fromkeys("p pval g2m".split(), "score"),
}
# shares and probabilities of types are called by them: p_T cell, Macrophage
_TYPES = set(
    "cell macrophage monocyte lymphocyte fibroblast neutrophil granulocyte eosinophil treg "
    "endothelium epithelium myeloid lymphoid stromal endothelial epithelial".split()
)
# the same at the end of a word written together: majoraxis, tumorCluster, cellsize
_ENDINGS = (
    "area axis size diameter perimeter eccentricity cluster distance density phenotype".split()
)
# words that say it only where they stand alone or last, behind another: CellId, not ID2
_LAST = set("id idx um px no nr os".split())
_NUMBERED = re.compile(
    r"(pc|dim|component|comp|factor|lv|tsne|t-sne|umap|dc|ic|z|topic|mds|lda|nmf|harmony|spatial)"
    r"[ _-]?\d+(_?um)?",
    re.I,
)
_FLAG = re.compile(r"^(is|has|in)[ _.](?=\w)|^(is|has)(?=[A-Z])|(?<=[a-z])YN$|[+]$", re.ASCII)


def background(name):
    """What a channel that is no marker is, by its name.

    Parameters
    ----------
    name : str
        As it stands in the table.

    Returns
    -------
    str
        ``nuclear stain``, ``background`` or ``histone mark``; empty of any other.
    """
    named = take_apart(name).marker
    for what, pattern in (("nuclear stain", _NUCLEAR), ("background", _BACKGROUND)):
        if pattern.search(named) or pattern.search(str(name)):
            return what
    return "histone mark" if _HISTONE_MARK.search(named) else ""


def gate(name):
    """Whether a name ends or begins as those of yes and no do: ``CD20+``, ``is_tumour``."""
    return _FLAG.search(str(name)) is not None


def unnamed(name):
    """Whether a number or an isotope is all that a channel is called by."""
    return numbered(name) or _ISOTOPE.fullmatch(take_apart(name).marker) is not None


def numbered(name):
    """Whether a number is all that a channel is called by: ``chan_39``."""
    return _NUMBER.fullmatch(take_apart(name).marker) is not None


def kind(name):
    """What a column that is no channel is, by the words of its name.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        Empty where its name says nothing.
    """
    # pandas numbers repeated names: X.1 is a second X
    name = re.sub(r"(?<=[A-Za-z])\.\d+$", "", str(name))
    words = [w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    plain = "".join(words)
    if gate(name):
        return "gate or flag"
    if plain in _WHOLE:
        return _WHOLE[plain]
    if plain in _KIND:
        return _KIND[plain]
    if _NUMBERED.fullmatch(name):
        return "embedding"
    spoken = [word for word in words if word.isalpha()]
    if spoken[-1:] and spoken[-1] in _LAST and (len(spoken) > 1 or plain in _LAST):
        return "place" if spoken[-1] in ("um", "px") else "name or number"
    if spoken[-1:] and spoken[-1].removesuffix("s") in _TYPES:
        return "earlier result"
    for word in reversed(words):  # what a name ends in says what it is: cluster size
        for form in (word, word.removesuffix("s")):
            if form in _KIND:
                return _KIND[form]
        for ending in _ENDINGS:
            if word.endswith(ending):
                return _KIND[ending]
    return ""
