"""Where the standard error of a verdict's gain may come from: names, and what each assumes."""

CONTRAST, POOLED, WELCH, TWO_WAY = "contrast", "pooled", "welch", "two_way"
ASSUMED = {
    CONTRAST: "the differences from the base's settings, seed by seed; it assumes independent seeds",
    POOLED: "pooled over near points; it assumes independent points of equal noise (Welch where a test refuses that)",
    WELCH: "each point's own; it assumes independent points",
    TWO_WAY: "pooled residuals of point + seed; it assumes a shift common to all points of a seed, and equal noise",
}
NOISES = tuple(ASSUMED)
MOST_SEEDS = 1000  # fresh seeds of a point
