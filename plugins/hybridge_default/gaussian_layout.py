"""The arrays a compiled Gaussian circuit is: where its parts stand in one array of ints and one of floats.

`ints` begins with the entries of HEADER. The entries of all definitions are `values`, first constants (in
floats), then terms are added: coefficient (in floats) * factor * factor. Factor 0 is 1; function k is
factors 1 + 2k and 2 + 2k of scale (in floats) * a column of the parameters.

functions   kind, column
terms       value, factor, factor
uses        where the record of each operation stands, in the order they are applied
record      m, X, d, Y, whether parameters are in it, where its parts are kept, m quadratures
            r -> X r + d with noise Y on m quadratures; X (m, m), d (m,), Y (m, m) are the first of their
            values, or NONE; X may be IDENTITY
rows        the quadratures that are read, of (x1..xn, p1..pn)
pairs       first and second of those whose covariances are read
linear      column, row; coefficient in floats
quadratic   column, pair; coefficient in floats: of the mean of their product
widest      the most quadratures of one use
"""

from __future__ import annotations

HEADER = (
    *("num_quadratures", "num_values", "constants_at", "num_functions", "functions_at", "scales_at"),
    *("num_terms", "terms_at", "coefficients_at", "num_uses", "uses_at", "num_parts"),
    *("num_rows", "rows_at", "num_pairs", "pairs_at", "num_columns", "offsets_at"),
    *("num_linear", "linear_at", "linear_floats_at"),
    *("num_quadratic", "quadratic_at", "quadratic_floats_at", "widest"),
)
NUM_QUADRATURES, NUM_VALUES, CONSTANTS_AT, NUM_FUNCTIONS, FUNCTIONS_AT, SCALES_AT = range(6)
NUM_TERMS, TERMS_AT, COEFFICIENTS_AT, NUM_USES, USES_AT, NUM_PARTS = range(6, 12)
NUM_ROWS, ROWS_AT, NUM_PAIRS, PAIRS_AT, NUM_COLUMNS, OFFSETS_AT = range(12, 18)
NUM_LINEAR, LINEAR_AT, LINEAR_FLOATS_AT = range(18, 21)
NUM_QUADRATIC, QUADRATIC_AT, QUADRATIC_FLOATS_AT, WIDEST = range(21, 25)

RECORD = 6  # entries of a record before its quadratures
NONE, IDENTITY = -1, -2
