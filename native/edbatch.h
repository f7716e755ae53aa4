/* Read by C and, without its lines that begin with #, by cffi (native/build.py). */
#ifndef LODELINE_EDBATCH_H
#define LODELINE_EDBATCH_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

/* Tables, whose content (comb.h) is no business of the caller: of a key, and of the base point. */
typedef struct { uint64_t words[964]; } edbatch_key;
typedef struct { uint64_t words[61440]; } edbatch_base;

int edbatch_prepare_key(edbatch_key *out, const uint8_t *raw);
void edbatch_prepare_base(edbatch_base *out);

/* keys: prepared ones; key_of: the number of each signature's key; signatures: 64 bytes each; messages: one after the
 * other, of these lengths; side_by_side: 1 where edbatch_are_lanes_there and it is wanted, else 0. */
int edbatch_check(const edbatch_base *base, const edbatch_key *const *keys, size_t key_count, const uint32_t *key_of,
                  const uint8_t *signatures, const uint8_t *messages, const uint64_t *lengths, size_t count);
void edbatch_check_each(uint8_t *valid, const edbatch_base *base, const edbatch_key *const *keys, const uint32_t *key_of,
                        const uint8_t *signatures, const uint8_t *messages, const uint64_t *lengths, size_t count,
                        int side_by_side);
int edbatch_are_lanes_there(void);

int edbatch_is_torsion_free(const uint8_t *raw);
void edbatch_sha512(uint8_t *digest, const uint8_t *data, size_t size);
#pragma GCC visibility pop

#endif
