"""The arrays a compiled circuit is: where its parts stand in one array of ints and one of floats.

`ints` begins with the entries of HEADER and goes on with records; `floats` holds what is not whole. States
are two arrays, real parts and imaginary parts, of at least one vector; wire w of n is bit n - 1 - w. The
entries of gates are complex `values`, number 0 being 1 and number 1 being 0. Some values are products of
matrices on one bit, four values each, row by row: where the first stands, how many factors, and FACTOR ints
for each, first come first: BY_VALUES and four values, or TURN_X, TURN_Y, TURN_Z and the angle t of
exp(-i t X), as the number of its cosine and sine.

Records of gates, one after the other; `values` are numbers of values, a row of them for every lane (8, or 16
in complex64), or one where they do not depend on the lane bits 0, 1, 2 (and 3):

ONE, REAL_ONE  grad, bit, first of the four values of a product: a matrix on one bit
PAIR2, PAIR1, DIAGONAL  grad, low flip, values per row, number of bits, of pairs, bits..., pairs...
    a pair is offset i, offset j, values D_i, E_i, D_j, E_j: out_i = D_i x_i + E_i x_j, out_j the same with i
    and j exchanged, where the entries of x_j are exchanged by the low flip. PAIR1: i and j are the same
    block; DIAGONAL: only D_i.
REAL2, REAL1  the same as PAIR2, PAIR1, all values real
MOVE2, MOVE1  the same without values: D is 0 and E is 1
PAULI     grad, high flip, low flip, high signs, low signs, value D, value E, parity of flip & signs,
          1 where E is imaginary, 0 where it is real
    out_i = D x_i + E s_i x_(i ^ flip), s_i the parity of i & signs as a sign
DENSE     grad, values per row, number of bits, of flips, bits..., offsets of blocks..., flips..., values...
    a flip is (block number xor, low flip): out_a = sum over flips of C_flip[a] x_(a ^ flip)

and of runs of gates:

PERMUTATION  0, lanes, then twice, for the gate and its inverse: sources of vectors..., of lanes...
    lane i comes from the source of its vector, xor that of the lane; lanes are PLAIN where none changes its
    place, IN_ORDER where a source of the vector alone changes it by an xor, or MIXED
PHASES    grad, number of bits of the table, for each of these: number of gates on it, of gates on it and a
    lower bit, 1 where they do nothing if it is 0, (mask, wanted, D_0, D_1)..., (lower bit, mask, wanted,
    D_00, D_01, D_10, D_11)...; a gate acts on the blocks whose beginning & mask is as wanted

Gates run in sweeps over blocks of the state (qubit_blocks.py); the bits of their records are those of a
block. A sweep is the entries of SWEEP, then its outer bits, ascending, by which the blocks are numbered, the
offsets of the runs a block consists of (one: it is used in place), and for each gate where its record stands
and the blocks it acts on: mask, wanted, signs, odd (`When`). Blocks that differ from `start` in an idle bit
are zero. No derivative needs the first gates undone, as many as are kept.

A group of the Pauli words of an observable (qubit_words.py) is a term of it:

TILES     bits of a run, rank, number of words, where their factors stand, pivots..., masks..., words...
    a word is high flip, low flip, high signs, low signs of an index in a tile, the signs of where a tile
    begins, 1 where the factor is imaginary: out_i = factor s_i x_(i ^ flip)
"""

from __future__ import annotations

HEADER = (
    *("size", "used", "start", "start_at", "stride"),
    *("num_values", "constants_at", "num_external", "external_at"),
    *("num_trigs", "trigs_at", "trigs_floats_at", "num_terms", "terms_at", "terms_floats_at"),
    *("num_products", "products_at", "num_sweeps", "sweeps_at", "block"),
    *("num_columns", "columns_at", "num_table"),
)
SWEEP = ("num_gates", "num_kept", "idle", "run", "num_runs", "num_outer")
SIZE, USED, START, START_AT, STRIDE = range(5)
NUM_VALUES, CONSTANTS_AT, NUM_EXTERNAL, EXTERNAL_AT = range(5, 9)
NUM_TRIGS, TRIGS_AT, TRIGS_FLOATS_AT, NUM_TERMS, TERMS_AT, TERMS_FLOATS_AT = range(9, 15)
NUM_PRODUCTS, PRODUCTS_AT, NUM_SWEEPS, SWEEPS_AT, BLOCK = range(15, 20)
NUM_COLUMNS, COLUMNS_AT, NUM_TABLE = range(20, 23)
NUM_GATES, NUM_KEPT, IDLE, RUN, NUM_RUNS, NUM_OUTER = range(6)  # of a sweep
PER_GATE = 5  # ints of a gate of a sweep

PAIR2, PAIR1, DIAGONAL, REAL2, REAL1, MOVE2, MOVE1, PAULI, DENSE = range(9)  # gates
ONE, REAL_ONE, PERMUTATION, PHASES = range(9, 13)
UNIT, ZERO = 0, 1  # the first two values
TURN_X, TURN_Y, TURN_Z, BY_VALUES = range(4)  # factors of a product
FACTOR = 5
PLAIN, IN_ORDER, MIXED = range(3)  # lanes of a permutation
WEIGHTS, TILES, SPARSE = range(3)  # terms of observables
PER_WORD = 6  # ints of a word of a group
EXPVAL, VAR, PROBS, STATE = range(4)  # columns
