"""The arrays a compiled circuit of default.mixed is: where its parts stand in two arrays, ints and floats.

`ints` begins with the entries of HEADER and goes on with what they point to. A state is the array of its 4^n
Pauli coefficients (mixed_transfer.py); wire w of n is the digit n - 1 - w of their numbers in base 4. Entries
of matrices are real `values`, number 0 being 1 and number 1 being 0: constants, to which terms add a
coefficient times a feature (a function of the parameters, mixed_functions.py), or products:

product   first of its 16 values, number of factors, then the 16 values of each, row by row, first come first
record    grad, whether its matrix is orthogonal, how many before it are not, run = 4^(lowest digit), numbers
          of digits and components, digits ascending, components...
component size m, offsets..., m^2 values row by row: it maps the coefficients at these offsets to one
          another; m = EXCHANGE: two, whose diagonal is 0
column    EXPVAL, place, number of words, where their coefficients stand, words...
          VAR, place, words of O, coefficients, words of O^2, coefficients, the words of both...
          PROBS, DENSITY, place, number of digits, digits, the first most significant
"""

from __future__ import annotations

HEADER = (
    *("num_digits", "num_values", "constants_at", "num_terms", "terms_at", "terms_floats_at"),
    *("num_products", "products_at", "longest", "num_records", "records_at", "first_grad", "num_lossy"),
    *("largest", "ones", "start_at", "num_columns", "columns_at"),
)
NUM_DIGITS, NUM_VALUES, CONSTANTS_AT, NUM_TERMS, TERMS_AT, TERMS_FLOATS_AT = range(6)
NUM_PRODUCTS, PRODUCTS_AT, LONGEST, NUM_RECORDS, RECORDS_AT, FIRST_GRAD, NUM_LOSSY = range(6, 13)
LARGEST, ONES, START_AT, NUM_COLUMNS, COLUMNS_AT = range(13, 18)

UNIT, ZERO = 0, 1  # the first two values
RECORD = 6  # ints of a record before its digits
EXCHANGE = -2
EXPVAL, VAR, PROBS, DENSITY = range(4)
