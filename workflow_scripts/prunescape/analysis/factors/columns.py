"""The columns of the tables of `prunescape factors`: name -> (arrow type, meaning with unit)."""

from prunescape.store.tables import Columns

_GROUP: Columns = {
    "by": ("string", "the rows that it is about, as variant=base; empty: all rows of the table"),
    "response": ("string", "column that is explained, or log10:COLUMN, in whose units effects then are decades"),
}
_FACTOR: Columns = {**_GROUP, "factor": ("string", "column that explains, or log10:COLUMN")}
_TEST: Columns = {
    "df": ("int64", "coefficients that the test sets to 0"),
    "f": ("float64", "F, the others in the model; infinite where the fit is exact"),
    "p": ("float64", "its p value, residuals being independent and normal with one variance"),
}
_INTERVAL: Columns = {
    "low": ("float64", "lower end of the 95 % interval: t, this difference alone, not corrected for their number"),
    "high": ("float64", "its upper end"),
}
_LEVEL = "level; of a continuous factor its highest value; `does not act` where rows have none"
_REFERENCE = "level that it is compared with; of a continuous factor its lowest value"

FACTOR_COLUMNS: Columns = {
    **_FACTOR,
    "kind": ("string", "continuous, log10 (one coefficient), or levels, categorical, switch (one per level)"),
    **_TEST,
    "p_holm": ("float64", "p corrected after Holm over the factors of this response in these rows"),
    "partial_eta2": ("float64", "type-II sum of squares / (itself + that of the residuals); 0 to 1"),
}
EFFECT_COLUMNS: Columns = {
    **_FACTOR,
    "level": ("string", _LEVEL),
    "reference": ("string", _REFERENCE),
    "estimate": ("float64", "response at the level minus that at the reference, other factors equal; its units"),
    **_INTERVAL,
}
IMPORTANCE_COLUMNS: Columns = {
    **_FACTOR,
    "other": ("string", "the second factor of a pair; null for the factor alone"),
    "share": ("float64", "share of the forest's variance that they explain beyond their parts; 0 to 1"),
    "low": ("float64", "lower end of its 95 % interval: normal, over bootstrap samples of settings"),
    "high": ("float64", "its upper end"),
    "evaluator": ("string", "what says so"),
}
FIT_COLUMNS: Columns = {
    **_GROUP,
    "n": ("int64", "rows"),
    "settings": ("int64", "different combinations of the factors but variant (or the column of --with) among them"),
    "coefficients": ("int64", "of the linear model, the intercept included"),
    "r2": ("float64", "share of the variance that the linear model explains; null where the response is constant"),
    "r2_cv": ("float64", "the same in 10-fold cross-validation, the rows of a setting in one fold; may be negative"),
    "r2_forest": ("float64", "the same of the random forest, by trees that did not see the row's setting"),
}
_WITH: Columns = {
    **_FACTOR,
    "with": ("string", "column whose levels change the factor's effect, as variant"),
    "other": ("string", "level of that column, as a pruned variant"),
    "base": ("string", "level that it is compared with"),
}
INTERACTION_COLUMNS: Columns = {
    **_WITH,
    "paired": ("bool", "true: of differences between equal settings and seeds; false: of two independent samples"),
    "n": ("int64", "settings in the comparison, means over their common seeds; unpaired: of both levels together"),
    **_TEST,
    "p_holm": ("float64", "p corrected after Holm over all factors and levels of this response in these rows"),
    "partial_eta2": ("float64", "sum of squares of the interaction / (itself + that of the residuals); 0 to 1"),
    "largest": (
        "float64",
        "largest change, in size, of the contrast between two of the factor's levels; units",
    ),
    "bound": ("float64", "largest end of a 95 % interval of such a change, in size"),
    "margin": ("float64", "change that does not matter, in the response's units"),
    "verdict": ("string", "may stay (bound at most margin), look again (p_holm under 5 %), or inconclusive"),
}
INTERACTION_EFFECT_COLUMNS: Columns = {
    **_WITH,
    "level": ("string", _LEVEL),
    "reference": ("string", _REFERENCE),
    "effect_base": ("float64", "response at the level minus that at the reference in the base; units"),
    "effect": ("float64", "the same in the other level of `with`"),
    "difference": ("float64", "effect - effect_base"),
    **_INTERVAL,
}
TABLES: dict[str, Columns] = {
    "factors": FACTOR_COLUMNS,
    "effects": EFFECT_COLUMNS,
    "importance": IMPORTANCE_COLUMNS,
    "fit": FIT_COLUMNS,
    "interactions": INTERACTION_COLUMNS,
    "interaction_effects": INTERACTION_EFFECT_COLUMNS,
}
