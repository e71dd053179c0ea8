/* SPDX-License-Identifier: Apache-2.0 */
/* erasures.c - see erasures.h. */
#include "command/verify/erasures.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypto/seal.h"

enum { ID_LEN = 16, FIRST_CAP = 64 };

struct erasure {
        uint8_t id[ID_LEN];
        uint64_t index : 61; /* of the first entry that speaks of it */
        bool used : 1, gone : 1, told : 1;
};

void erasures_init(struct erasures *e, uint32_t most)
{
        *e = (struct erasures){ .most = most };
        random_bytes(e->key, sizeof(e->key));
}

void erasures_done(struct erasures *e)
{
        free(e->at);
        *e = (struct erasures){ 0 };
}

/* Where it is, or the free place where it would be; cap > 0. */
static struct erasure *place_of(const struct erasures *e, const uint8_t id[ID_LEN])
{
        size_t at = siphash(e->key, span_of(id, ID_LEN)) & (e->cap - 1);

        while (e->at[at].used && memcmp(e->at[at].id, id, ID_LEN) != 0)
                at = (at + 1) & (e->cap - 1);
        return &e->at[at];
}

static int grow(struct erasures *e)
{
        struct erasures more = *e;

        more.cap = e->cap ? 2 * e->cap : FIRST_CAP;
        more.at = calloc(more.cap, sizeof(*more.at));
        if (!more.at)
                return -ENOMEM;
        for (size_t i = 0; i < e->cap; i++)
                if (e->at[i].used)
                        *place_of(&more, e->at[i].id) = e->at[i];
        free(e->at);
        *e = more;
        return 0;
}

static bool read_id(struct span text, uint8_t id[ID_LEN])
{
        size_t n;

        return text.n == ENTRY_SUBJECT_LEN && text_from_base64url(text, id, ID_LEN, &n) == 0 &&
               n == ID_LEN;
}

/* An eighth stays empty at least.  1, or 0: it is no id. */
static int put(struct erasures *e, struct span text, struct erasure **ret, struct err *err)
{
        uint8_t id[ID_LEN];
        struct erasure *at;

        if (!read_id(text, id))
                return 0;
        if (8 * (e->n + 1) > 7 * e->cap && grow(e) < 0)
                return err_sys(err, -ENOMEM, "vault");
        at = place_of(e, id);
        if (!at->used) {
                if (e->n == e->most)
                        return err_set(err, -E2BIG,
                                       "vault: more than %u subjects are erased or said to be: not "
                                       "held against the entries that say so",
                                       e->most);
                at->used = true;
                memcpy(at->id, id, ID_LEN);
                e->n++;
        }
        *ret = at;
        return 1;
}

int erasures_gone(struct erasures *e, struct span id, uint64_t index, struct err *err)
{
        struct erasure *at = NULL;
        int r = put(e, id, &at, err);

        if (r <= 0 || at->gone)
                return MIN_OF(r, 0);
        at->gone = true;
        at->index = index;
        e->untold += !at->told;
        return 0;
}

int erasures_told(struct erasures *e, struct span id, struct err *err)
{
        struct erasure *at = NULL;
        int r = put(e, id, &at, err);

        if (r <= 0 || at->told)
                return MIN_OF(r, 0);
        at->told = true;
        e->untold -= at->gone;
        return 0;
}

bool erasures_is_gone(const struct erasures *e, struct span id)
{
        uint8_t raw[ID_LEN];

        return e->cap && read_id(id, raw) && place_of(e, raw)->gone;
}

bool erasures_untold(const struct erasures *e, uint64_t *ret_index,
                     char ret_id[ENTRY_SUBJECT_LEN + 1])
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(ENTRY_SUBJECT_LEN + 1);
        const struct erasure *first = NULL;

        for (size_t i = 0; i < e->cap && e->untold; i++)
                if (e->at[i].gone && !e->at[i].told && (!first || e->at[i].index < first->index))
                        first = &e->at[i];
        if (!first)
                return false;
        text_put_base64url(&text, span_of(first->id, ID_LEN));
        memcpy(ret_id, buf_cstr(&text), ENTRY_SUBJECT_LEN + 1);
        *ret_index = first->index;
        return true;
}
