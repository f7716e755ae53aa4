/* Multiples of a known point from a table: 32 additions for the base point; for a key 64, and 28 doublings. */
#ifndef LODELINE_COMB_H
#define LODELINE_COMB_H

#include "edbatch.h"
#include "point.h"
#include "scalar.h"

#define SCALAR_BITS 256
#define KEY_ROWS 8     /* a row for every 32 bits of a scalar: 7.5 kB */
#define KEY_WIDTH 4    /* bits of a digit */
#define BASE_ROWS 32   /* a row for every 8 bits: 480 kB, once */
#define BASE_WIDTH 8
#define MOST_AT_ONCE 128 /* points of a table that share an inversion: whole rows */

/* What an edbatch_key is: its bytes, and odd multiples of the point: row[i][j] = (2j + 1) 2^(32i) A. */
typedef struct {
    uint8_t raw[32];
    affine row[KEY_ROWS][1 << (KEY_WIDTH - 1)];
} comb_of_key;

/* And an edbatch_base: row[i][j] = (2j + 1) 2^(8i) B. */
typedef struct {
    affine row[BASE_ROWS][1 << (BASE_WIDTH - 1)];
} comb_of_base;

_Static_assert(MOST_AT_ONCE % (1 << (BASE_WIDTH - 1)) == 0 && MOST_AT_ONCE % (1 << (KEY_WIDTH - 1)) == 0, "whole rows");
_Static_assert(sizeof(comb_of_key) == sizeof(edbatch_key), "edbatch.h says how large the table of a key is");
_Static_assert(sizeof(comb_of_base) == sizeof(edbatch_base), "edbatch.h says how large the table of the base point is");

static inline const comb_of_key *comb_key(const edbatch_key *k) { return (const comb_of_key *)k; }
static inline const comb_of_base *comb_base(const edbatch_base *b) { return (const comb_of_base *)b; }

/* inverse[i] = 1/Z of each point for the price of one inversion (Montgomery); all of them zero if any Z is. */
static inline void comb_invert(fe *inverse, const point *points, size_t count) {
    fe all = FE_ONE, next;
    for (size_t i = 0; i < count; i++) {
        inverse[i] = all;
        fe_mul(&all, &all, &points[i].Z);
    }
    fe_invert(&all, &all);
    for (size_t i = count; i-- > 0;) {
        fe_mul(&next, &all, &points[i].Z);
        fe_mul(&inverse[i], &inverse[i], &all);
        all = next;
    }
}

static inline void comb_finish(affine *out, const point *points, size_t count) {
    fe inverse[MOST_AT_ONCE];
    comb_invert(inverse, points, count);
    for (size_t i = 0; i < count; i++) {
        point p = {.Z = FE_ONE};
        fe_mul(&p.X, &points[i].X, &inverse[i]);
        fe_mul(&p.Y, &points[i].Y, &inverse[i]);
        fe_mul(&p.T, &p.X, &p.Y);
        point_to_affine(&out[i], &p);
    }
}

/* The rows of a point, one after the other. */
static inline void comb_build(affine *out, const point *of, int rows, int width) {
    const int half = 1 << (width - 1);
    point made[MOST_AT_ONCE], p = *of, twice;
    int count = 0;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; i > 0 && j < SCALAR_BITS / rows; j++) point_double(&p, &p);
        point_double(&twice, &p);
        made[count] = p;
        for (int j = 1; j < half; j++) point_add(&made[count + j], &made[count + j - 1], &twice);
        count += half;
        if (count == MOST_AT_ONCE || i + 1 == rows) {
            comb_finish(out, made, (size_t)count);
            out += count;
            count = 0;
        }
    }
}

/* What is to be added: a multiple of the point that has these rows; the scalar as sc_recode gives it. */
typedef struct {
    const affine *table;
    uint64_t scalar[4];
} term;

/* The entry for the digit at `bit`, which stands for 2 digit + 1 - 2^width; negative: 1 if it is to be subtracted. */
static inline const affine *comb_entry(int *negative, const term *t, int row, int bit, int width) {
    const int half = 1 << (width - 1), digit = (int)(t->scalar[bit / 64] >> bit % 64) & (2 * half - 1);
    *negative = digit < half;
    return &t->table[row * half + (*negative ? half - 1 - digit : digit - half)];
}

/* sum = 2^(SCALAR_BITS / rows - width) sum + the term */
static inline void comb_add(point *sum, const term *t, int rows, int width) {
    const int apart = SCALAR_BITS / rows;
    for (int from = apart - width; from >= 0; from -= width) {
        for (int j = 0; from < apart - width && j < width; j++) point_double(sum, sum);
        for (int row = 0; row < rows; row++) {
            int negative;
            const affine *entry = comb_entry(&negative, t, row, from + row * apart, width);
            point_add_signed(sum, sum, entry, negative);
        }
    }
}

#endif
