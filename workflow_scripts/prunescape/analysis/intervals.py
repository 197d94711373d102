"""What intervals of the analysis share."""

NORMAL_QUANTILE = 1.959964  # of the standard normal distribution at 97.5 %, for intervals of 95 %
