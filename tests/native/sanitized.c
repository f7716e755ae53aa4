/* The entry points of edbatch.h over a file of cases, for test_sanitized.py: it compiles this and the extension with the
 * compiler's sanitizers, writes the cases, and compares the line that each of them prints. Whatever is handed over is a
 * piece of memory of its own that ends where the last byte does, so that one byte too many is noticed. */
#include <stdio.h>
#include <stdlib.h>

#include "edbatch.h"

static void *taken[8192]; /* of the case in hand */
static size_t taken_count;

/* Bytes that begin `shift` bytes behind a multiple of eight. */
static void *take(size_t size, size_t shift) {
    uint8_t *block = malloc(size + shift);
    if (!block || taken_count == sizeof taken / sizeof *taken) exit(2);
    taken[taken_count++] = block;
    return block + shift;
}

static void release_all(void) {
    while (taken_count > 0) free(taken[--taken_count]);
}

static void *read_into(void *bytes, size_t size) {
    if (fread(bytes, 1, size, stdin) != size) exit(2);
    return bytes;
}

static uint64_t read_number(void) {
    uint64_t number;
    read_into(&number, sizeof number);
    return number;
}

/* size, data: the digest */
static void try_hash(size_t shift) {
    const size_t size = read_number();
    const uint8_t *data = read_into(take(size, shift), size);
    uint8_t *digest = take(64, 7 - shift);
    edbatch_sha512(digest, data, size);
    for (int i = 0; i < 64; i++) printf("%02x", digest[i]);
}

/* 32 bytes: whether they are a point free of torsion, and whether they may be enrolled */
static void try_point(size_t shift) {
    const uint8_t *raw = read_into(take(32, shift), 32);
    const int is_free = edbatch_is_torsion_free(raw);
    printf("%d %d", is_free, edbatch_prepare_key(take(sizeof(edbatch_key), 0), raw));
}

static const edbatch_key *const *read_keys(size_t count, size_t shift) {
    const edbatch_key **keys = take(count * sizeof *keys, 0);
    for (size_t i = 0; i < count; i++) {
        edbatch_key *key = take(sizeof *key, 0);
        if (!edbatch_prepare_key(key, read_into(take(32, shift), 32))) exit(2);
        keys[i] = key;
    }
    return keys;
}

/* number of keys, of signatures, bytes of all messages; keys, key of each, length of each, signatures, messages: the
 * verdict on all, then on each, without lanes and with them */
static void try_group(size_t shift, const edbatch_base *base) {
    const size_t key_count = read_number(), count = read_number(), size = read_number();
    const edbatch_key *const *keys = read_keys(key_count, shift);
    const uint32_t *key_of = read_into(take(4 * count, 0), 4 * count);
    const uint64_t *lengths = read_into(take(8 * count, 0), 8 * count);
    const uint8_t *signatures = read_into(take(64 * count, shift), 64 * count);
    const uint8_t *messages = read_into(take(size, 7 - shift), size);
    printf("%d", edbatch_check(base, keys, key_count, key_of, signatures, messages, lengths, count));
    for (int lanes = 0; lanes <= edbatch_are_lanes_there(); lanes++) {
        uint8_t *valid = take(count, shift);
        edbatch_check_each(valid, base, keys, key_of, signatures, messages, lengths, count, lanes);
        printf(" ");
        for (size_t i = 0; i < count; i++) printf("%d", valid[i]);
    }
}

int main(void) {
    edbatch_base *base = malloc(sizeof *base);
    if (!base) return 2;
    edbatch_prepare_base(base);
    printf("%d\n", edbatch_are_lanes_there());
    int kind;
    for (size_t n = 0; (kind = getchar()) != EOF; n++) {
        switch (kind) {
            case 'H': try_hash(n % 8); break;
            case 'P': try_point(n % 8); break;
            case 'G': try_group(n % 8, base); break;
            default: return 2;
        }
        printf("\n");
        release_all();
    }
    free(base);
    return 0;
}
