/* Read by C and, without its lines that begin with #, by cffi (native/build.py). */
#pragma GCC visibility push(default)
size_t edbatch_key_bytes(void);
int edbatch_key(uint8_t *out, const uint8_t *raw);
int edbatch_is_torsion_free(const uint8_t *raw);
void edbatch_sha512(uint8_t *digest, const uint8_t *data, size_t size);
int edbatch_check(const uint8_t *keys, size_t key_count, const uint32_t *key_of, const uint8_t *signatures,
                  const uint8_t *messages, const uint64_t *lengths, size_t count);
#pragma GCC visibility pop
