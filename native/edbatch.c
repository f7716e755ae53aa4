/* Thousands of Ed25519 signatures at once. Accepts exactly what the ledger's rule accepts, signature by signature, but for
 * a chance of 2^-128 for each batch that somebody tries.
 * Equation, proof and measurements: docs/decisions/0015-batch-signature-checks.md. No secret is handled here. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "comb.h"
#include "edbatch.h"
#include "sha512.h"

#define BITS 128     /* of a coefficient */
#define SUM_WORDS 11 /* a sum of products of 128 and 512 bits, up to 2^64 of them */

typedef struct {
    size_t signatures, keys, points;
    affine *point;            /* every R; then of each key, the base point last, A and 2^128 A */
    uint64_t (*scalar)[2];    /* what each is multiplied by */
    uint64_t (*sum)[SUM_WORDS]; /* of each key: z h; of the base point: z S */
    uint8_t (*digest)[64];    /* h = SHA-512(R || A || M) of each signature */
} batch;

static void load_words(uint64_t *words, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) words[i] = load64(bytes + 8 * i);
}

/* Each R, each h, and the seed of the coefficients, which depends on every byte; 0 for an R or S out of form. */
static int read_signatures(batch *b, uint8_t seed[64], const edbatch_key *const *keys, const uint32_t *key_of,
                           const uint8_t *signatures, const uint8_t *messages, const uint64_t *lengths) {
    static const uint8_t domain[] = "lodeline batch 1";
    sha512 all, one;
    sha512_start(&all);
    sha512_add(&all, domain, sizeof domain);
    for (size_t i = 0; i < b->signatures; i++) {
        const uint8_t *signature = signatures + 64 * i;
        uint64_t s[4];
        point r;
        load_words(s, signature + 32, 4);
        if (!sc_is_canonical(s) || !point_from_bytes(&r, signature)) return 0;
        point_to_affine(&b->point[i], &r);
        sha512_start(&one);
        sha512_add(&one, signature, 32);
        sha512_add(&one, comb_key(keys[key_of[i]])->raw, 32);
        sha512_add(&one, messages, lengths[i]);
        sha512_finish(&one, b->digest[i]);
        messages += lengths[i];
        sha512_add(&all, b->digest[i], 64);
        sha512_add(&all, signature + 32, 32);
    }
    sha512_finish(&all, seed);
    return 1;
}

/* Coefficients z of 128 bits, four from each hash of the seed and a counter, and the sums that they make. */
static void draw_coefficients(batch *b, const uint8_t seed[64], const uint32_t *key_of, const uint8_t *signatures) {
    uint8_t input[72], drawn[64];
    memcpy(input, seed, 64);
    for (size_t i = 0; i < b->signatures; i++) {
        uint64_t h[8], s[4];
        if (i % 4 == 0) {
            store64(input + 64, i / 4);
            edbatch_sha512(drawn, input, sizeof input);
        }
        load_words(b->scalar[i], drawn + 16 * (i % 4), 2);
        load_words(h, b->digest[i], 8);
        load_words(s, signatures + 64 * i + 32, 4);
        sc_add_product(b->sum[key_of[i]], SUM_WORDS, b->scalar[i], h, 8);
        sc_add_product(b->sum[b->keys], SUM_WORDS, b->scalar[i], s, 4);
    }
}

/* The terms of the keys and of the base point: each scalar in two halves, for A and 2^128 A. */
static void add_keys(batch *b, const edbatch_base *base, const edbatch_key *const *keys) {
    for (size_t k = 0; k <= b->keys; k++) {
        const size_t at = b->signatures + 2 * k;
        uint64_t scalar[4];
        sc_reduce(scalar, b->sum[k], SUM_WORDS);
        if (k == b->keys) sc_negate(scalar);
        memcpy(b->scalar[at], scalar, 32);
        b->point[at] = k < b->keys ? comb_key(keys[k])->row[0][0] : comb_base(base)->row[0][0];
        b->point[at + 1] = k < b->keys ? comb_key(keys[k])->row[KEY_ROWS / 2][0] : comb_base(base)->row[BASE_ROWS / 2][0];
    }
}

/* Bits per pass through the points: the width that needs the fewest additions. */
static int choose_width(size_t points) {
    int best = 1;
    size_t least = SIZE_MAX;
    for (int width = 1; width <= 10; width++) {
        const size_t cost = (size_t)((BITS + width - 1) / width) * (points + ((size_t)2 << width));
        if (cost < least) {
            least = cost;
            best = width;
        }
    }
    return best;
}

/* bucket[d] = the sum of the points whose scalar has the digit d at bit `from` */
static void fill_buckets(point *bucket, const batch *b, int from, int width) {
    const uint64_t mask = ((uint64_t)1 << width) - 1;
    for (uint64_t d = 0; d <= mask; d++) bucket[d] = IDENTITY;
    for (size_t i = 0; i < b->points; i++) {
        const uint64_t *s = b->scalar[i];
        const uint64_t word = from >= 64 ? s[1] >> (from - 64) : from ? s[0] >> from | s[1] << (64 - from) : s[0];
        const uint64_t digit = word & mask;
        if (digit) point_add_affine(&bucket[digit], &bucket[digit], &b->point[i]);
    }
}

/* sums[j] = the sum of all points whose scalar has bit j set, for every j below BITS */
static void sum_subsets(point *sums, point *bucket, const batch *b, int width) {
    for (int from = 0; from < BITS; from += width) {
        const int bits = from + width < BITS ? width : BITS - from;
        fill_buckets(bucket, b, from, bits);
        for (int j = bits - 1; j >= 0; j--) { /* the upper half has bit j set; then it joins the lower one */
            const size_t half = (size_t)1 << j;
            point *sum = &sums[from + j];
            *sum = bucket[half];
            for (size_t d = 1; d < half; d++) {
                point_add(sum, sum, &bucket[half + d]);
                point_add(&bucket[d], &bucket[d], &bucket[half + d]);
            }
        }
    }
}

/* Every subset sum is free of torsion, and together, each times its power of two, they are the identity. */
static int check_sums(const point *sums) {
    point total = IDENTITY;
    for (int j = BITS - 1; j >= 0; j--) {
        point_double(&total, &total);
        point_add(&total, &total, &sums[j]);
    }
    if (!point_is_identity(&total)) return 0;
    for (int j = 0; j < BITS; j++)
        if (!point_is_torsion_free(&sums[j])) return 0;
    return 1;
}

static int check_batch(batch *b, const edbatch_base *base, const edbatch_key *const *keys, const uint32_t *key_of,
                       const uint8_t *signatures, const uint8_t *messages, const uint64_t *lengths) {
    const int width = choose_width(b->points);
    point *bucket = malloc(sizeof(point) << width), sums[BITS];
    uint8_t seed[64];
    if (!bucket) return -1;
    int valid = read_signatures(b, seed, keys, key_of, signatures, messages, lengths);
    if (valid) {
        draw_coefficients(b, seed, key_of, signatures);
        add_keys(b, base, keys);
        sum_subsets(sums, bucket, b, width);
        valid = check_sums(sums);
    }
    free(bucket);
    return valid;
}

/* 1 if all signatures are valid, 0 if not, -1 if memory is short. */
int edbatch_check(const edbatch_base *base, const edbatch_key *const *keys, size_t key_count, const uint32_t *key_of,
                  const uint8_t *signatures, const uint8_t *messages, const uint64_t *lengths, size_t count) {
    batch b = {.signatures = count, .keys = key_count, .points = count + 2 * (key_count + 1)};
    b.point = malloc(b.points * sizeof *b.point);
    b.scalar = malloc(b.points * sizeof *b.scalar);
    b.sum = calloc(key_count + 1, sizeof *b.sum);
    b.digest = malloc(count * sizeof *b.digest + 1);
    int result = -1;
    if (b.point && b.scalar && b.sum && b.digest)
        result = check_batch(&b, base, keys, key_of, signatures, messages, lengths);
    free(b.point);
    free(b.scalar);
    free(b.sum);
    free(b.digest);
    return result;
}
