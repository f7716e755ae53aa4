/* Ed25519 signatures one by one, by keys whose multiples are in a table. The verdict is exact: S B - h A is computed
 * and its encoding compared with R, byte for byte. Why that is the ledger's rule, and measurements:
 * docs/decisions/0028-tables-of-known-keys.md. No secret is handled here. */
#include <stddef.h>
#include <stdint.h>

#include "lanes.h"
#include "edbatch.h"
#include "sha512.h"

#define BLOCK 64 /* signatures that share an inversion */

static const uint8_t BASE[32] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
};

void edbatch_prepare_base(edbatch_base *out) {
    point p;
    point_from_bytes(&p, BASE);
    comb_build(((comb_of_base *)out)->row[0], &p, BASE_ROWS, BASE_WIDTH);
}

/* Prepare a key. 1, or 0 unless it may be enrolled: a canonical point of the prime-order subgroup, not the identity. */
int edbatch_prepare_key(edbatch_key *out, const uint8_t *raw) {
    comb_of_key *k = (comb_of_key *)out;
    point p;
    if (!point_from_bytes(&p, raw) || !point_is_torsion_free(&p) || point_is_identity(&p)) return 0;
    memcpy(k->raw, raw, 32);
    comb_build(k->row[0], &p, KEY_ROWS, KEY_WIDTH);
    return 1;
}

/* Whether a point lies in the prime-order subgroup; -1 if the bytes encode none. */
int edbatch_is_torsion_free(const uint8_t *raw) {
    point p;
    return point_from_bytes(&p, raw) ? point_is_torsion_free(&p) : -1;
}

void edbatch_sha512(uint8_t *digest, const uint8_t *data, size_t size) {
    sha512 hash;
    sha512_start(&hash);
    sha512_add(&hash, data, size);
    sha512_finish(&hash, digest);
}

/* -h modulo L, recoded, of h = SHA-512(R || A || M) */
static void read_challenge(uint64_t m[4], const uint8_t *signature, const uint8_t *raw, const uint8_t *message,
                           uint64_t length) {
    uint64_t wide[8], h[4];
    uint8_t digest[64];
    sha512 hash;
    sha512_start(&hash);
    sha512_add(&hash, signature, 32);
    sha512_add(&hash, raw, 32);
    sha512_add(&hash, message, length);
    sha512_finish(&hash, digest);
    for (int i = 0; i < 8; i++) wide[i] = load64(digest + 8 * i);
    sc_reduce(h, wide, 8);
    sc_negate(h);
    sc_recode(m, h);
}

/* valid[i] &= whether the one encoding of the point is what stands at the start of the signature. No sum has Z = 0
 * (point.h). If one had, all inverses would be zero, and y = 0 is an encoding: then nothing is valid. */
static void compare_encodings(uint8_t *valid, const point *points, const uint8_t *signatures, size_t count) {
    fe inverse[BLOCK], x, y;
    uint8_t encoding[32];
    comb_invert(inverse, points, count);
    const int are_points = !fe_is_zero(&inverse[0]);
    for (size_t i = 0; i < count; i++) {
        fe_mul(&x, &points[i].X, &inverse[i]);
        fe_mul(&y, &points[i].Y, &inverse[i]);
        fe_to_bytes(encoding, &y);
        encoding[31] |= (uint8_t)(fe_is_odd(&x) << 7);
        valid[i] &= are_points && memcmp(encoding, signatures + 64 * i, 32) == 0;
    }
}

/* sums[i] = S B - h A, eight at once where the processor can and there is more than one */
static void add_terms(point *sums, const term *of_keys, const term *of_base, size_t count, int side_by_side) {
    size_t i = 0;
    for (; side_by_side && i + 1 < count; i += LANES)
        lanes_sum(sums + i, of_keys + i, of_base + i, count - i < LANES ? (int)(count - i) : LANES);
    for (; i < count; i++) {
        sums[i] = IDENTITY;
        comb_add(&sums[i], &of_keys[i], KEY_ROWS, KEY_WIDTH);
        comb_add(&sums[i], &of_base[i], BASE_ROWS, BASE_WIDTH);
    }
}

static void check_block(uint8_t *valid, const edbatch_base *base, const edbatch_key *const *keys, const uint32_t *key_of,
                        const uint8_t *signatures, const uint8_t *messages, const uint64_t *lengths, size_t count,
                        int side_by_side) {
    term of_keys[BLOCK], of_base[BLOCK];
    point sums[BLOCK];
    for (size_t i = 0; i < count; i++) {
        const comb_of_key *key = comb_key(keys[key_of[i]]);
        const uint8_t *signature = signatures + 64 * i;
        uint64_t s[4];
        for (int j = 0; j < 4; j++) s[j] = load64(signature + 32 + 8 * j);
        valid[i] = (uint8_t)sc_is_canonical(s);
        of_keys[i].table = key->row[0];
        of_base[i].table = comb_base(base)->row[0];
        sc_recode(of_base[i].scalar, s);
        read_challenge(of_keys[i].scalar, signature, key->raw, messages, lengths[i]);
        messages += lengths[i];
    }
    add_terms(sums, of_keys, of_base, count, side_by_side);
    compare_encodings(valid, sums, signatures, count);
}

int edbatch_are_lanes_there(void) { return lanes_are_there(); }

/* valid[i] = 1 for each signature that is valid, 0 for every other. */
void edbatch_check_each(uint8_t *valid, const edbatch_base *base, const edbatch_key *const *keys, const uint32_t *key_of,
                        const uint8_t *signatures, const uint8_t *messages, const uint64_t *lengths, size_t count,
                        int side_by_side) {
    for (size_t at = 0; at < count; at += BLOCK) {
        const size_t some = count - at < BLOCK ? count - at : BLOCK;
        check_block(valid + at, base, keys, key_of + at, signatures + 64 * at, messages, lengths + at, some, side_by_side);
        for (size_t i = 0; i < some; i++) messages += lengths[at + i];
    }
}
