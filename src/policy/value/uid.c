/* SPDX-License-Identifier: Apache-2.0 */
/* uid.c - entity names: hash, order.  Floor 2, pure. */
#include "policy/value/uid.h"

#include "base/hash.h"

/* Eight bytes at a time would be faster and is not worth it: made once per uid. */
uint64_t cedar_hash(uint64_t h, struct span s)
{
        return hash_add(h, s);
}

struct cedar_uid cedar_uid(struct span type, struct span id)
{
        uint64_t h = cedar_hash(HASH_BEGIN, type);

        h = (h ^ 0xff) * 0x100000001b3ull; /* no byte of UTF-8: "a","bc" is not "ab","c" */
        h = cedar_hash(h, id);
        h = (h ^ h >> 33) * 0xff51afd7ed558ccdull; /* FNV's upper bits hardly know the last bytes */
        return (struct cedar_uid){ .type = type, .id = id, .hash = h ^ h >> 33 };
}

int cedar_uid_cmp(const struct cedar_uid *a, const struct cedar_uid *b)
{
        int c = span_cmp(a->type, b->type);

        return c ? c : span_cmp(a->id, b->id);
}
