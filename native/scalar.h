/* Integers modulo L = 2^252 + c, the order of the base point; 64-bit words, the lowest first. */
#ifndef LODELINE_SCALAR_H
#define LODELINE_SCALAR_H

#include <stddef.h>
#include <stdint.h>

#include "field.h"

static const uint64_t SC_C[2] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6}; /* c < 2^125 */
static const uint64_t SC_L[4] = {0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, UINT64_C(1) << 60};

static inline int sc_is_canonical(const uint64_t s[4]) {
    for (int i = 3; i >= 0; i--)
        if (s[i] != SC_L[i]) return s[i] < SC_L[i];
    return 0;
}

/* r -= a * b, r 4 words, a 2 words, b < 2^34; 1 if the result is negative (it is then there modulo 2^256) */
static inline int sc_sub_product(uint64_t r[4], const uint64_t a[2], uint64_t b) {
    uint64_t carry = 0; /* of the product and of the difference, together */
    for (int i = 0; i < 4; i++) {
        const u128 product = (i < 2 ? (u128)a[i] * b : 0) + carry;
        carry = (uint64_t)(product >> 64) + (r[i] < (uint64_t)product);
        r[i] -= (uint64_t)product;
    }
    return carry != 0;
}

/* r = a number of `count` words modulo L, 32 bits at a time: 2^252 = -c, so the part above 252 bits, at most
 * 2^33, is taken away times c; what is then below zero is above -2^158. */
static inline void sc_reduce(uint64_t r[4], const uint64_t *words, size_t count) {
    memset(r, 0, 32);
    for (size_t i = 2 * count; i-- > 0;) {
        const uint64_t low = words[i / 2] >> (i % 2 * 32) & UINT32_MAX, top = r[3] >> 28;
        r[3] = (r[3] << 32 | r[2] >> 32) & (UINT64_MAX >> 4);
        r[2] = r[2] << 32 | r[1] >> 32;
        r[1] = r[1] << 32 | r[0] >> 32;
        r[0] = r[0] << 32 | low;
        if (sc_sub_product(r, SC_C, top)) {
            u128 sum = 0;
            for (int j = 0; j < 4; j++) {
                sum += (u128)r[j] + SC_L[j];
                r[j] = (uint64_t)sum;
                sum >>= 64;
            }
        }
    }
}

/* sum += a * b, with 2 and `count` words, at the low end of a number that never overflows */
static inline void sc_add_product(uint64_t *sum, size_t size, const uint64_t a[2], const uint64_t *b, size_t count) {
    for (size_t i = 0; i < 2; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; i + j < size && (j < count || carry); j++) {
            const u128 t = (j < count ? (u128)a[i] * b[j] : 0) + sum[i + j] + carry;
            sum[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
    }
}

/* r = -r modulo L */
static inline void sc_negate(uint64_t r[4]) {
    uint64_t borrow = 0;
    if (!(r[0] | r[1] | r[2] | r[3])) return;
    for (int i = 0; i < 4; i++) {
        const u128 t = (u128)SC_L[i] - r[i] - borrow;
        r[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
}

/* m with 2m + 1 = k or k + L, whichever is odd, plus 2^256: then the digits d of m, of w bits each, stand for the odd
 * numbers 2d + 1 - 2^w, and the sum of these, each times the weight of its digit, is k modulo L. For k < L. */
static inline void sc_recode(uint64_t m[4], const uint64_t k[4]) {
    u128 sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (u128)k[i] + (k[0] & 1 ? 0 : SC_L[i]);
        m[i] = (uint64_t)sum;
        sum >>= 64;
    }
    for (int i = 0; i < 3; i++) m[i] = m[i] >> 1 | m[i + 1] << 63;
    m[3] = m[3] >> 1 | UINT64_C(1) << 63;
}

#endif
