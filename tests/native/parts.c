/* What the extension keeps to itself, as functions that test_parts.py can call. Elements of the field are five limbs
 * each, one after the other; points are X, Y, Z and T; scalars are four words. */
#include "edeach.c"

enum { ADD, SUB, CARRY, MUL, SQUARE, INVERT };

#pragma GCC visibility push(default)

void parts_field(uint64_t *out, int what, const uint64_t *left, const uint64_t *right) {
    fe r, a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    r = a;
    switch (what) {
        case ADD: fe_add(&r, &a, &b); break;
        case SUB: fe_sub(&r, &a, &b); break;
        case CARRY: fe_carry(&r); break;
        case MUL: fe_mul(&r, &a, &b); break;
        case SQUARE: fe_sq(&r, &a); break;
        default: fe_invert(&r, &a);
    }
    memcpy(out, &r, sizeof r);
}

void parts_encode(uint8_t *out, const uint64_t *limbs) {
    fe a;
    memcpy(&a, limbs, sizeof a);
    fe_to_bytes(out, &a);
}

int parts_decode(uint64_t *out, const uint8_t *bytes) {
    fe a;
    const int canonical = fe_from_bytes(&a, bytes);
    memcpy(out, &a, sizeof a);
    return canonical;
}

#ifdef __x86_64__
/* Eight of each, one in each lane. */
WIDE void try_lanes(uint64_t *out, int what, const uint64_t *left, const uint64_t *right) {
    lanes_fe a, b;
    for (int i = 0; i < LANES; i++) {
        for (int j = 0; j < 5; j++) {
            a.v[j][i] = left[5 * i + j];
            b.v[j][i] = right[5 * i + j];
        }
    }
    switch (what) {
        case ADD: lanes_add_fe(&a, &a, &b); break;
        case SUB: lanes_sub_fe(&a, &a, &b); break;
        case CARRY: lanes_carry(&a); break;
        default: lanes_mul(&a, &a, &b);
    }
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < 5; j++) out[5 * i + j] = a.v[j][i];
}
#endif

void parts_lanes(uint64_t *out, int what, const uint64_t *left, const uint64_t *right) {
#ifdef __x86_64__
    try_lanes(out, what, left, right);
#else
    (void)out, (void)what, (void)left, (void)right;
#endif
}

int parts_is_canonical(const uint64_t *scalar) { return sc_is_canonical(scalar); }
void parts_reduce(uint64_t *out, const uint64_t *words, size_t count) { sc_reduce(out, words, count); }
void parts_negate(uint64_t *scalar) { sc_negate(scalar); }
void parts_recode(uint64_t *out, const uint64_t *scalar) { sc_recode(out, scalar); }

/* sums[i] = factors[i] A + scalars[i] B, encoded; at most BLOCK of them. */
void parts_sums(uint8_t *encoded, const edbatch_base *base, const edbatch_key *key, const uint64_t *factors,
                const uint64_t *scalars, size_t count, int side_by_side) {
    term of_key[BLOCK], of_base[BLOCK];
    point sums[BLOCK];
    for (size_t i = 0; i < count; i++) {
        of_key[i].table = comb_key(key)->row[0];
        of_base[i].table = comb_base(base)->row[0];
        sc_recode(of_key[i].scalar, factors + 4 * i);
        sc_recode(of_base[i].scalar, scalars + 4 * i);
    }
    add_terms(sums, of_key, of_base, count, side_by_side);
    for (size_t i = 0; i < count; i++) {
        fe z, x, y;
        fe_invert(&z, &sums[i].Z);
        fe_mul(&x, &sums[i].X, &z);
        fe_mul(&y, &sums[i].Y, &z);
        fe_to_bytes(encoded + 32 * i, &y);
        encoded[32 * i + 31] |= (uint8_t)(fe_is_odd(&x) << 7);
    }
}

void parts_compare(uint8_t *valid, const uint64_t *points, const uint8_t *signatures, size_t count) {
    point given[BLOCK];
    memcpy(given, points, count * sizeof *given);
    compare_encodings(valid, given, signatures, count);
}

int parts_is_identity(const uint64_t *given) {
    point p;
    memcpy(&p, given, sizeof p);
    return point_is_identity(&p);
}

/* With Z = z; -1 if the bytes encode no point. */
int parts_is_torsion_free(const uint8_t *raw, const uint64_t *z) {
    point p;
    if (!point_from_bytes(&p, raw)) return -1;
    memcpy(&p.Z, z, sizeof p.Z);
    fe_mul(&p.X, &p.X, &p.Z);
    fe_mul(&p.Y, &p.Y, &p.Z);
    fe_mul(&p.T, &p.T, &p.Z);
    return point_is_torsion_free(&p);
}
#pragma GCC visibility pop
