/* Points of edwards25519, -x^2 + y^2 = 1 + d x^2 y^2, and the exact test for the prime-order subgroup.
 *
 * The addition formulas (Hisil, Wong, Carter, Dawson 2008) are complete: they hold for every pair of points, the
 * identity and points of small order included, because -1 is a square modulo p and d is none. */
#ifndef LODELINE_POINT_H
#define LODELINE_POINT_H

#include "field.h"

typedef struct {
    fe X, Y, Z, T; /* x = X/Z, y = Y/Z, xy = T/Z */
} point;

typedef struct {
    fe yx[2], product; /* y + x and y - x; 2dxy: of an affine point, reduced */
} affine;

static const fe FE_D = {{0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff}};
static const fe FE_2D = {{0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff}};
static const point IDENTITY = {{{0}}, {{1}}, {{1}}, {{0}}};

static inline void finish_add(point *r, const fe *a, const fe *b, const fe *c, const fe *d) {
    fe e, f, g, h;
    fe_sub(&e, b, a);
    fe_sub(&f, d, c);
    fe_add(&g, d, c);
    fe_add(&h, b, a);
    fe_mul(&r->X, &e, &f);
    fe_mul(&r->Y, &g, &h);
    fe_mul(&r->T, &e, &h);
    fe_mul(&r->Z, &f, &g);
}

static inline void point_add_affine(point *r, const point *p, const affine *q) {
    fe a, b, c, d;
    fe_sub(&a, &p->Y, &p->X); fe_mul(&a, &a, &q->yx[1]);
    fe_add(&b, &p->Y, &p->X); fe_mul(&b, &b, &q->yx[0]);
    fe_mul(&c, &p->T, &q->product);
    fe_add(&d, &p->Z, &p->Z);
    finish_add(r, &a, &b, &c, &d);
}

/* p + q, or p - q: in the negative of a point y + x and y - x change places, and 2dxy its sign. negative: 0 or 1 */
static inline void point_add_signed(point *r, const point *p, const affine *q, int negative) {
    fe a, b, c, d, e, h, fg[2]; /* chosen by index, not by a branch that nobody can foresee */
    fe_sub(&a, &p->Y, &p->X); fe_mul(&a, &a, &q->yx[!negative]);
    fe_add(&b, &p->Y, &p->X); fe_mul(&b, &b, &q->yx[negative]);
    fe_mul(&c, &p->T, &q->product);
    fe_add(&d, &p->Z, &p->Z);
    fe_sub(&e, &b, &a);
    fe_sub(&fg[0], &d, &c);
    fe_add(&fg[1], &d, &c);
    fe_add(&h, &b, &a);
    fe_mul(&r->X, &e, &fg[negative]);
    fe_mul(&r->Y, &fg[!negative], &h);
    fe_mul(&r->T, &e, &h);
    fe_mul(&r->Z, &fg[0], &fg[1]);
}

static inline void point_add(point *r, const point *p, const point *q) {
    fe a, b, c, d, t;
    fe_sub(&a, &p->Y, &p->X); fe_sub(&t, &q->Y, &q->X); fe_mul(&a, &a, &t);
    fe_add(&b, &p->Y, &p->X); fe_add(&t, &q->Y, &q->X); fe_mul(&b, &b, &t);
    fe_mul(&c, &p->T, &FE_2D); fe_mul(&c, &c, &q->T);
    fe_mul(&d, &p->Z, &q->Z); fe_add(&d, &d, &d);
    finish_add(r, &a, &b, &c, &d);
}

static inline void point_double(point *r, const point *p) {
    fe a, b, c, e, f, g, h;
    fe_sq(&a, &p->X);
    fe_sq(&b, &p->Y);
    fe_sq(&c, &p->Z); fe_add(&c, &c, &c);
    fe_add(&e, &p->X, &p->Y); fe_sq(&e, &e);
    fe_add(&h, &a, &b);
    fe_sub(&e, &h, &e);                     /* -2XY */
    fe_sub(&g, &a, &b); fe_carry(&g);       /* X^2 - Y^2 */
    fe_add(&f, &c, &g);
    fe_mul(&r->X, &e, &f);
    fe_mul(&r->Y, &g, &h);
    fe_mul(&r->T, &e, &h);
    fe_mul(&r->Z, &f, &g);
}

/* Not for Z = 0 either, which no sum of points has. */
static inline int point_is_identity(const point *p) {
    return fe_is_zero(&p->X) && fe_equal(&p->Y, &p->Z) && !fe_is_zero(&p->Z);
}

/* RFC 8032 section 5.1.3, strictly: 0 for y >= p, for no point of the curve, for x = 0 with the sign bit set. */
static inline int point_from_bytes(point *r, const uint8_t s[32]) {
    fe u, v;
    if (!fe_from_bytes(&r->Y, s)) return 0;
    fe_sq(&u, &r->Y);
    fe_mul(&v, &u, &FE_D); fe_add(&v, &v, &FE_ONE); fe_carry(&v);
    fe_sub(&u, &u, &FE_ONE); fe_carry(&u);
    if (!fe_sqrt_ratio(&r->X, &u, &v)) return 0;
    if (fe_is_odd(&r->X) != s[31] >> 7) {
        if (fe_is_zero(&r->X)) return 0;
        fe_neg(&r->X, &r->X); fe_carry(&r->X);
    }
    r->Z = FE_ONE;
    fe_mul(&r->T, &r->X, &r->Y);
    return 1;
}

/* For Z = 1 only. */
static inline void point_to_affine(affine *r, const point *p) {
    fe_add(&r->yx[0], &p->Y, &p->X); fe_carry(&r->yx[0]);
    fe_sub(&r->yx[1], &p->Y, &p->X); fe_carry(&r->yx[1]);
    fe_mul(&r->product, &p->T, &FE_2D);
}

/* Whether a point lies in the subgroup of prime order L: exact, by one 2-isogeny and one quartic residue.
 * The derivation is in docs/decisions/0015-batch-signature-checks.md; c^2 = A + 2 = 486664. */
static inline int point_is_torsion_free(const point *p) {
    static const fe c_plus_2 = {{0x5b7106377bbda, 0x71af6ad9382cb, 0x2d64427297b8, 0x6a81ef02c4294, 0x141b0b6806563}};
    static const fe c_times_i = {{0x1fb5500ba81e7, 0x5d6905cafa672, 0xec204e978b0, 0x4a216c27b91fe, 0x70d9120b9f5ff}};
    static const fe c_squared = {{486664, 0, 0, 0, 0}};
    fe u, v, w, m, k, t, q, e;
    if (fe_is_zero(&p->X)) return point_is_identity(p);    /* (0, 1), or (0, -1), which has order 2 */
    fe_add(&u, &p->Z, &p->Y); fe_carry(&u);
    fe_sub(&v, &p->Z, &p->Y); fe_carry(&v);
    if (!fe_sqrt_ratio(&w, &u, &v)) return 0;             /* w^2 = (Z + Y)/(Z - Y), the Montgomery coordinate */
    fe_sq(&t, &w); fe_sub(&t, &t, &FE_ONE); fe_mul(&m, &t, &p->X);
    fe_mul(&t, &w, &p->Z); fe_mul(&t, &t, &c_times_i);
    fe_add(&m, &m, &t);                                    /* M = (w^2 - 1) X + i c w Z */
    fe_add(&t, &w, &w); fe_sub(&t, &t, &c_plus_2); fe_mul(&k, &t, &m);
    fe_mul(&t, &w, &p->X); fe_mul(&t, &t, &c_squared);
    fe_add(&k, &k, &t);                                    /* K = c^2 w X + (2w - c - 2) M */
    fe_mul(&t, &p->X, &m);
    fe_mul(&k, &k, &t); fe_sq(&k, &k);
    fe_mul(&q, &k, &t); fe_add(&q, &q, &q);                /* 2 X M (X M K)^2 */
    fe_pow58(&e, &q);
    fe_sq(&e, &e); fe_mul(&e, &e, &q);                     /* q^((p-1)/4): 1 for fourth powers, 0 for zero */
    return fe_equal(&e, &FE_ONE);
}

#endif
