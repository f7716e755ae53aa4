/* The field of integers modulo p = 2^255 - 19: five limbs of 51 bits, radix 2^51.
 *
 * "Reduced" means limbs below 2^51 + 2^20: what every function here gives but fe_add and fe_sub. These do not
 * carry. fe_mul and fe_sq take limbs below 2^54; the second operand of fe_sub must stay below 2^53 - 76. Of reduced
 * elements a sum is below 2^52.1, a sum of three below 2^52.6, a difference below 2^53.4, and one whose first operand
 * is a sum below 2^53.6: no formula of point.h goes further. tests/native/test_parts.py tries all bounds. */
#ifndef LODELINE_FIELD_H
#define LODELINE_FIELD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef struct {
    uint64_t v[5];
} fe;

#define FE_MASK ((UINT64_C(1) << 51) - 1)

static const fe FE_ZERO = {{0, 0, 0, 0, 0}};
static const fe FE_ONE = {{1, 0, 0, 0, 0}};
/* sqrt(-1) = 2^((p-1)/4) */
static const fe FE_I = {{0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d}};

static inline uint64_t load64(const uint8_t *s) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--) word = word << 8 | s[i];
    return word;
}

static inline void store64(uint8_t *s, uint64_t word) {
    for (int i = 0; i < 8; i++) s[i] = (uint8_t)(word >> 8 * i);
}

static inline void fe_add(fe *r, const fe *a, const fe *b) {
    for (int i = 0; i < 5; i++) r->v[i] = a->v[i] + b->v[i];
}

/* a + 4p - b: no limb falls below zero, as each of 4p is 2^53 - 76 or 2^53 - 4 */
static inline void fe_sub(fe *r, const fe *a, const fe *b) {
    r->v[0] = a->v[0] + 0x1fffffffffffb4 - b->v[0];
    for (int i = 1; i < 5; i++) r->v[i] = a->v[i] + 0x1ffffffffffffc - b->v[i];
}

static inline void fe_neg(fe *r, const fe *a) { fe_sub(r, &FE_ZERO, a); }

/* Give carries on once; `r` is reduced afterwards, if its limbs are at most 2^63. */
static inline void fe_carry(fe *r) {
    uint64_t carry = 0;
    for (int i = 0; i < 5; i++) {
        r->v[i] += carry;
        carry = r->v[i] >> 51;
        r->v[i] &= FE_MASK;
    }
    r->v[0] += 19 * carry;
}

/* t0 to t3 below 2^115 and t4 below 2^110.7: so every part above 51 bits, and 19 times the last, is below 2^64. */
static inline void fe_carry_wide(fe *r, u128 t0, u128 t1, u128 t2, u128 t3, u128 t4) {
    uint64_t r0, r1, r2, r3, r4;
    t1 += (uint64_t)(t0 >> 51); r0 = (uint64_t)t0 & FE_MASK;
    t2 += (uint64_t)(t1 >> 51); r1 = (uint64_t)t1 & FE_MASK;
    t3 += (uint64_t)(t2 >> 51); r2 = (uint64_t)t2 & FE_MASK;
    t4 += (uint64_t)(t3 >> 51); r3 = (uint64_t)t3 & FE_MASK;
    r0 += (uint64_t)(t4 >> 51) * 19; r4 = (uint64_t)t4 & FE_MASK;
    r1 += r0 >> 51; r0 &= FE_MASK;
    *r = (fe){{r0, r1, r2, r3, r4}};
}

/* For limbs below 2^54 the sums are below (1 + 4 * 19) 2^108 < 2^114.3, and the last of them below 5 * 2^108 + 2^64. */
static inline void fe_mul(fe *r, const fe *a, const fe *b) {
    const uint64_t a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
    const uint64_t b0 = b->v[0], b1 = b->v[1], b2 = b->v[2], b3 = b->v[3], b4 = b->v[4];
    const uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    fe_carry_wide(r,
        (u128)a0 * b0 + (u128)a1 * c4 + (u128)a2 * c3 + (u128)a3 * c2 + (u128)a4 * c1,
        (u128)a0 * b1 + (u128)a1 * b0 + (u128)a2 * c4 + (u128)a3 * c3 + (u128)a4 * c2,
        (u128)a0 * b2 + (u128)a1 * b1 + (u128)a2 * b0 + (u128)a3 * c4 + (u128)a4 * c3,
        (u128)a0 * b3 + (u128)a1 * b2 + (u128)a2 * b1 + (u128)a3 * b0 + (u128)a4 * c4,
        (u128)a0 * b4 + (u128)a1 * b3 + (u128)a2 * b2 + (u128)a3 * b1 + (u128)a4 * b0);
}

static inline void fe_sq(fe *r, const fe *a) {
    const uint64_t a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
    const uint64_t d0 = 2 * a0, d1 = 2 * a1, d2 = 2 * a2, c3 = 19 * a3, c4 = 19 * a4;
    fe_carry_wide(r,
        (u128)a0 * a0 + (u128)d1 * c4 + (u128)d2 * c3,
        (u128)d0 * a1 + (u128)d2 * c4 + (u128)a3 * c3,
        (u128)d0 * a2 + (u128)a1 * a1 + (u128)(2 * a3) * c4,
        (u128)d0 * a3 + (u128)d1 * a2 + (u128)a4 * c4,
        (u128)d0 * a4 + (u128)d1 * a3 + (u128)a2 * a2);
}

static inline void fe_sqn(fe *r, const fe *a, int n) {
    fe_sq(r, a);
    while (--n > 0) fe_sq(r, r);
}

/* z^((p-5)/8) = z^(2^252 - 3) */
static inline void fe_pow58(fe *r, const fe *z) {
    fe a, b, c;
    fe_sq(&a, z);                               /* 2 */
    fe_sqn(&b, &a, 2); fe_mul(&b, &b, z);       /* 9 */
    fe_mul(&a, &a, &b);                         /* 11 */
    fe_sq(&a, &a); fe_mul(&a, &a, &b);          /* 31 = 2^5 - 1 */
    fe_sqn(&b, &a, 5); fe_mul(&a, &b, &a);      /* 2^10 - 1 */
    fe_sqn(&b, &a, 10); fe_mul(&b, &b, &a);     /* 2^20 - 1 */
    fe_sqn(&c, &b, 20); fe_mul(&b, &c, &b);     /* 2^40 - 1 */
    fe_sqn(&b, &b, 10); fe_mul(&a, &b, &a);     /* 2^50 - 1 */
    fe_sqn(&b, &a, 50); fe_mul(&b, &b, &a);     /* 2^100 - 1 */
    fe_sqn(&c, &b, 100); fe_mul(&b, &c, &b);    /* 2^200 - 1 */
    fe_sqn(&b, &b, 50); fe_mul(&a, &b, &a);     /* 2^250 - 1 */
    fe_sqn(&a, &a, 2); fe_mul(r, &a, z);        /* 2^252 - 3 */
}

/* 1/z = z^(p-2) = (z^((p-5)/8))^8 * z^3; zero for zero */
static inline void fe_invert(fe *r, const fe *z) {
    fe a, b;
    fe_pow58(&a, z);
    fe_sqn(&a, &a, 3);
    fe_sq(&b, z);
    fe_mul(&b, &b, z);
    fe_mul(r, &a, &b);
}

/* The one encoding, of limbs up to 2^63. */
static inline void fe_to_bytes(uint8_t s[32], const fe *a) {
    fe t = *a;
    fe_carry(&t);
    uint64_t q = (t.v[0] + 19) >> 51; /* 1 if t >= p, as now t < 2^255 + 2^20, which is below 2p */
    for (int i = 1; i < 5; i++) q = (t.v[i] + q) >> 51;
    t.v[0] += 19 * q;
    for (int i = 0; i < 4; i++) {
        t.v[i + 1] += t.v[i] >> 51;
        t.v[i] &= FE_MASK;
    }
    t.v[4] &= FE_MASK;
    store64(s, t.v[0] | t.v[1] << 51);
    store64(s + 8, t.v[1] >> 13 | t.v[2] << 38);
    store64(s + 16, t.v[2] >> 26 | t.v[3] << 25);
    store64(s + 24, t.v[3] >> 39 | t.v[4] << 12);
}

/* The lower 255 bits; 0 if they are no canonical encoding, which is below p. */
static inline int fe_from_bytes(fe *r, const uint8_t s[32]) {
    const uint64_t w0 = load64(s), w1 = load64(s + 8), w2 = load64(s + 16), w3 = load64(s + 24) & (UINT64_MAX >> 1);
    *r = (fe){{w0 & FE_MASK, (w0 >> 51 | w1 << 13) & FE_MASK, (w1 >> 38 | w2 << 26) & FE_MASK,
               (w2 >> 25 | w3 << 39) & FE_MASK, w3 >> 12}};
    return !(w3 == UINT64_MAX >> 1 && w2 == UINT64_MAX && w1 == UINT64_MAX && w0 >= (uint64_t)-19);
}

static inline int fe_is_zero(const fe *a) {
    static const uint8_t zero[32];
    uint8_t s[32];
    fe_to_bytes(s, a);
    return memcmp(s, zero, 32) == 0;
}

static inline int fe_equal(const fe *a, const fe *b) {
    fe difference;
    fe_sub(&difference, a, b);
    return fe_is_zero(&difference);
}

static inline int fe_is_odd(const fe *a) {
    uint8_t s[32];
    fe_to_bytes(s, a);
    return s[0] & 1;
}

/* r = sqrt(u/v), either root; 0 if there is none. u and v reduced; u = 0 gives 0, v = 0 is only for u = 0. */
static inline int fe_sqrt_ratio(fe *r, const fe *u, const fe *v) {
    fe v3, t, check;
    fe_sq(&t, v); fe_mul(&v3, &t, v);
    fe_sq(&t, &v3); fe_mul(&t, &t, v); fe_mul(&t, &t, u);
    fe_pow58(&t, &t);
    fe_mul(&t, &t, &v3); fe_mul(r, &t, u);     /* u v^3 (u v^7)^((p-5)/8): RFC 8032 section 5.1.3 */
    fe_sq(&check, r); fe_mul(&check, &check, v);
    if (fe_equal(&check, u)) return 1;
    fe_add(&check, &check, u);
    if (!fe_is_zero(&check)) return 0;
    fe_mul(r, r, &FE_I);
    return 1;
}

#endif
