/* Eight sums side by side, one in each 64-bit lane of the vector registers, on processors with AVX-512 IFMA, whose
 * vector units multiply 52 bits by 52. Limbs, formulas and tables are those of field.h, point.h and comb.h, but every
 * function here takes and gives reduced elements, as a factor's limb must stay below 2^52. */
#ifndef LODELINE_LANES_H
#define LODELINE_LANES_H

#include "comb.h"

#define LANES 8

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define WIDE static inline __attribute__((target("avx512f,avx512dq,avx512ifma")))

typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));
typedef struct {
    lanes v[5];
} lanes_fe;
typedef struct {
    lanes_fe X, Y, Z, T;
} lanes_point;

/* The processor has the instructions, and the system keeps the registers: Intel's manual, volume 1, 15.2. */
static inline int lanes_are_there(void) {
    const unsigned needed = bit_AVX512F | bit_AVX512DQ | bit_AVX512IFMA, kept = 0xe6;
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & kept) == kept && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & needed) == needed;
}

/* r is reduced afterwards, if its limbs are below 2^63. */
WIDE void lanes_carry(lanes_fe *r) {
    lanes carry[5];
    for (int i = 0; i < 5; i++) {
        carry[i] = r->v[i] >> 51;
        r->v[i] &= FE_MASK;
    }
    r->v[0] += 19 * carry[4];
    for (int i = 1; i < 5; i++) r->v[i] += carry[i - 1];
}

/* Of reduced elements: below 2^52.1 before carries. */
WIDE void lanes_add_fe(lanes_fe *r, const lanes_fe *a, const lanes_fe *b) {
    for (int i = 0; i < 5; i++) r->v[i] = a->v[i] + b->v[i];
    lanes_carry(r);
}

/* a + 4p - b, as fe_sub, of reduced elements: between 2^52.5 and 2^53.4 before carries. */
WIDE void lanes_sub_fe(lanes_fe *r, const lanes_fe *a, const lanes_fe *b) {
    r->v[0] = a->v[0] + 0x1fffffffffffb4 - b->v[0];
    for (int i = 1; i < 5; i++) r->v[i] = a->v[i] + 0x1ffffffffffffc - b->v[i];
    lanes_carry(r);
}

/* The product of limbs i and j, both below 2^52, is 2^52 high + low: `low` belongs to limb i + j, and `high` twice to
 * the one above. */
WIDE void lanes_mul(lanes_fe *r, const lanes_fe *a, const lanes_fe *b) {
    __m512i low[10] = {0}, high[10] = {0};
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            low[i + j] = _mm512_madd52lo_epu64(low[i + j], (__m512i)a->v[i], (__m512i)b->v[j]);
            high[i + j + 1] = _mm512_madd52hi_epu64(high[i + j + 1], (__m512i)a->v[i], (__m512i)b->v[j]);
        }
    }
    for (int i = 0; i < 5; i++) /* five of each: low + 2 high < 15 * 2^52, and 20 times that < 2^61 */
        r->v[i] = (lanes)low[i] + 2 * (lanes)high[i] + 19 * ((lanes)low[i + 5] + 2 * (lanes)high[i + 5]);
    lanes_carry(r);
}

/* a and b change places in the lanes where `mask` is all ones, and not where it is zero. */
WIDE void lanes_swap(lanes_fe *a, lanes_fe *b, lanes mask) {
    for (int i = 0; i < 5; i++) {
        const lanes difference = (a->v[i] ^ b->v[i]) & mask;
        a->v[i] ^= difference;
        b->v[i] ^= difference;
    }
}

WIDE void lanes_load(lanes_fe *r, const fe *const from[LANES]) {
    for (int i = 0; i < 5; i++)
        r->v[i] = (lanes){from[0]->v[i], from[1]->v[i], from[2]->v[i], from[3]->v[i],
                          from[4]->v[i], from[5]->v[i], from[6]->v[i], from[7]->v[i]};
}

/* point_double */
WIDE void lanes_double(lanes_point *p) {
    lanes_fe a, b, c, e, f, g, h;
    lanes_mul(&a, &p->X, &p->X);
    lanes_mul(&b, &p->Y, &p->Y);
    lanes_mul(&c, &p->Z, &p->Z); lanes_add_fe(&c, &c, &c);
    lanes_add_fe(&e, &p->X, &p->Y); lanes_mul(&e, &e, &e);
    lanes_add_fe(&h, &a, &b);
    lanes_sub_fe(&e, &h, &e);
    lanes_sub_fe(&g, &a, &b);
    lanes_add_fe(&f, &c, &g);
    lanes_mul(&p->X, &e, &f);
    lanes_mul(&p->Y, &g, &h);
    lanes_mul(&p->T, &e, &h);
    lanes_mul(&p->Z, &f, &g);
}

/* point_add_signed, of another entry in each lane; negative: all ones or zero */
WIDE void lanes_add_signed(lanes_point *p, const affine *const q[LANES], lanes negative) {
    const fe *sum[LANES], *difference[LANES], *product[LANES];
    lanes_fe a, b, c, d, e, f, g, h;
    for (int i = 0; i < LANES; i++) {
        sum[i] = &q[i]->yx[0];
        difference[i] = &q[i]->yx[1];
        product[i] = &q[i]->product;
    }
    lanes_load(&f, difference);
    lanes_load(&g, sum);
    lanes_swap(&f, &g, negative);
    lanes_sub_fe(&a, &p->Y, &p->X); lanes_mul(&a, &a, &f);
    lanes_add_fe(&b, &p->Y, &p->X); lanes_mul(&b, &b, &g);
    lanes_load(&c, product); lanes_mul(&c, &c, &p->T);
    lanes_add_fe(&d, &p->Z, &p->Z);
    lanes_sub_fe(&e, &b, &a);
    lanes_sub_fe(&f, &d, &c);
    lanes_add_fe(&g, &d, &c);
    lanes_add_fe(&h, &b, &a);
    lanes_swap(&f, &g, negative);
    lanes_mul(&p->X, &e, &f);
    lanes_mul(&p->Y, &g, &h);
    lanes_mul(&p->T, &e, &h);
    lanes_mul(&p->Z, &f, &g);
}

/* comb_add of the first `count` terms, each in its lane; the others repeat the first. */
WIDE void lanes_add(lanes_point *sum, const term *terms, int count, int rows, int width) {
    const int apart = SCALAR_BITS / rows;
    for (int from = apart - width; from >= 0; from -= width) {
        for (int j = 0; from < apart - width && j < width; j++) lanes_double(sum);
        for (int row = 0; row < rows; row++) {
            const affine *entry[LANES];
            lanes negative;
            for (int i = 0; i < LANES; i++) {
                int sign;
                entry[i] = comb_entry(&sign, &terms[i < count ? i : 0], row, from + row * apart, width);
                negative[i] = -(uint64_t)sign;
            }
            lanes_add_signed(sum, entry, negative);
        }
    }
}

/* sums[i] = the sum of a term of a key and one of the base point, for at most eight. */
WIDE void lanes_sum(point *sums, const term *of_keys, const term *of_base, int count) {
    lanes_point p;
    memset(&p, 0, sizeof p);
    p.Y.v[0] += 1; /* the identity */
    p.Z.v[0] += 1;
    lanes_add(&p, of_keys, count, KEY_ROWS, KEY_WIDTH);
    lanes_add(&p, of_base, count, BASE_ROWS, BASE_WIDTH);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < 5; j++) {
            sums[i].X.v[j] = p.X.v[j][i];
            sums[i].Y.v[j] = p.Y.v[j][i];
            sums[i].Z.v[j] = p.Z.v[j][i];
            sums[i].T.v[j] = p.T.v[j][i];
        }
    }
}

#else

static inline int lanes_are_there(void) { return 0; }
static inline void lanes_sum(point *sums, const term *of_keys, const term *of_base, int count) {
    (void)sums, (void)of_keys, (void)of_base, (void)count; /* is never called */
}

#endif

#endif
