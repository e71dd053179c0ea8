/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "integrity/who/who_priv.h"

#include <stdlib.h>

enum { USERS_MAX = 65536, NAMES_MAX = 1 << 22 };

struct who_user {
        uint32_t uid;
        uint32_t at, n; /* of the name, in names */
};

void who_users_done(struct who_users *u)
{
        free(u->at);
        buf_done(&u->names);
        *u = (struct who_users){ 0 };
}

static int user_cmp(const void *a, const void *b)
{
        const struct who_user *x = a, *y = b;

        if (x->uid != y->uid)
                return x->uid < y->uid ? -1 : 1;
        return (x->at > y->at) - (x->at < y->at); /* the first line of a uid names it */
}

static bool add_user(struct who_users *u, size_t *max, uint32_t uid, struct span name)
{
        if (u->n == *max) {
                size_t more = *max ? *max * 2 : 64;
                struct who_user *p = realloc(u->at, more * sizeof *p);

                if (!p)
                        return false;
                u->at = p;
                *max = more;
        }
        u->at[u->n++] =
                (struct who_user){ .uid = uid, .at = (uint32_t)u->names.n, .n = (uint32_t)name.n };
        buf_put(&u->names, name);
        return buf_status(&u->names) == 0;
}

int who_users_set(struct who_users *u, struct span facts, struct err *err)
{
        struct who_users fresh = { .names = BUF_INIT(NAMES_MAX) };
        size_t max = 0;
        bool room = true;

        while (facts.n && room) {
                const uint8_t *nl = memchr(facts.p, '\n', facts.n);
                struct span line = span_of(facts.p, nl ? (size_t)(nl - facts.p) : facts.n);
                const uint8_t *blank = memchr(line.p, ' ', line.n);
                uint64_t uid;

                facts = span_from(facts, line.n + 1);
                if (!blank || text_to_u64(span_of(line.p, (size_t)(blank - line.p)), &uid) < 0 ||
                    uid > UINT32_MAX || fresh.n == USERS_MAX)
                        continue;
                room = add_user(&fresh, &max, (uint32_t)uid,
                                span_from(line, (size_t)(blank - line.p) + 1));
        }
        if (!room) {
                who_users_done(&fresh);
                return err_set(err, -ENOMEM, "out of memory for user names");
        }
        if (fresh.n)
                qsort(fresh.at, fresh.n, sizeof *fresh.at, user_cmp);
        who_users_done(u);
        *u = fresh;
        return 0;
}

struct span who_users_name(const struct who_users *u, uint32_t uid)
{
        size_t lo = 0, hi = u->n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (u->at[mid].uid < uid)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        if (lo == u->n || u->at[lo].uid != uid)
                return SPAN_NONE;
        return span_of(u->names.p + u->at[lo].at, u->at[lo].n);
}
