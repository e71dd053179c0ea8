/* SPDX-License-Identifier: Apache-2.0 */
/* record_fold.c - refused calls that come faster than they are worth telling one by one.
 *
 * A row is a reason, an API, an operation and a network, from its first call on for a second; it
 * tells RECORD_DENIED_BURST calls by themselves and counts the others.  One that has counted none
 * goes when its second is over; one that has stays until record_fold_due() has told it, and goes on
 * counting till then.  Where no row is free the last one stands for all others.  Those whom nobody
 * has verified have rows of their own, not all of them, so that a flood of theirs hides nobody who
 * is known.
 *
 * Rows are looked for one after the other, by a number first: at most RECORD_FOLDS_MAX of them, in
 * eight kilobytes. */
#include "gateway/record/record_priv.h"

#include "base/clock.h"
#include "base/text.h"
#include "policy/value/uid.h"

#include <stdlib.h>

enum { API_NAME = CONFIG_NAME_MAX, OPERATION_NAME = API_NAME_MAX, OTHERS = RECORD_FOLDS_MAX };

struct row {
        enum refusal_reason reason; /* REFUSED_NOT: several, of OTHERS */
        bool stranger;              /* nobody has verified who it was */
        char api[API_NAME + 1], operation[OPERATION_NAME + 1];
        char network[RECORD_NETWORK_MAX + 1]; /* empty: not known */
        char id[RECORD_ID + 1];               /* of the last call that was counted */
        int64_t begun_ns, first_ns, last_ns;  /* the row's; of calls that were counted */
        uint64_t told, counted;
};

struct record_fold {
        uint64_t *untold; /* record_fold_keep_in(); NULL: nowhere */
        uint64_t hash[RECORD_FOLDS_MAX];
        struct row row[RECORD_FOLDS_MAX + 1];
        uint32_t n;
        uint32_t strangers_told; /* since */
        int64_t strangers_ns;
};

int record_fold_new(struct record_fold **ret)
{
        *ret = calloc(1, sizeof **ret);
        return *ret ? 0 : -ENOMEM;
}

struct record_fold *record_fold_free(struct record_fold *f)
{
        free(f);
        return NULL;
}

void record_fold_keep_in(struct record_fold *f, uint64_t *untold)
{
        f->untold = untold;
}

static void keep_count(const struct record_fold *f, const struct row *r, uint64_t more)
{
        if (f->untold)
                __atomic_fetch_add(&f->untold[r->reason], more, __ATOMIC_RELAXED);
}

/* ---- rows ---- */

/* Longer ones are cut, and so are told as one: none of a package is. */
static void copy_name(char *to, size_t room, struct span from)
{
        size_t n = MIN_OF(from.n, room - 1);

        if (n)
                memcpy(to, from.p, n);
        to[n] = 0;
}

static struct row row_of(const struct record_call *c, const struct refusal *refusal)
{
        struct row r = { .reason = refusal->reason,
                         .stranger = !c->credential || !c->credential->verified,
                         .begun_ns = c->now_ns };

        if (c->package)
                copy_name(r.api, sizeof r.api, c->package->config.name);
        if (c->operation)
                copy_name(r.operation, sizeof r.operation, c->operation->id);
        if (c->raw->address_text.n)
                record_network(&c->raw->address, false, r.network);
        return r;
}

static uint64_t hash_of(const struct row *r)
{
        uint64_t h = cedar_hash(2 * (uint64_t)r->reason + r->stranger + 1, span_str(r->api));

        return cedar_hash(cedar_hash(h, span_str(r->operation)), span_str(r->network));
}

static bool is_same(const struct row *a, const struct row *b)
{
        return a->reason == b->reason && a->stranger == b->stranger &&
               strcmp(a->network, b->network) == 0 && strcmp(a->operation, b->operation) == 0 &&
               strcmp(a->api, b->api) == 0;
}

static bool is_over(const struct row *r, int64_t now_ns)
{
        return now_ns - r->begun_ns >= NS_PER_S || now_ns < r->begun_ns;
}

static void drop(struct record_fold *f, uint32_t i)
{
        f->n--;
        f->row[i] = f->row[f->n];
        f->hash[i] = f->hash[f->n];
}

/* Rows that have nothing to tell and are over. */
static void sweep(struct record_fold *f, int64_t now_ns)
{
        for (uint32_t i = f->n; i-- > 0;)
                if (f->row[i].counted == 0 && is_over(&f->row[i], now_ns))
                        drop(f, i);
}

static struct row *find_row(struct record_fold *f, const struct row *key)
{
        const uint32_t max = key->stranger ? RECORD_FOLDS_STRANGERS : RECORD_FOLDS_MAX;
        uint64_t hash = hash_of(key);

        for (uint32_t i = 0; i < f->n; i++)
                if (f->hash[i] == hash && is_same(&f->row[i], key))
                        return &f->row[i];
        if (f->n >= max)
                sweep(f, key->begun_ns);
        if (f->n >= max)
                return &f->row[OTHERS];
        f->hash[f->n] = hash;
        f->row[f->n] = *key;
        return &f->row[f->n++];
}

/* They may come from anywhere, and ask for anything: a row of each could be told without end. */
static bool may_tell_stranger(struct record_fold *f, int64_t now_ns)
{
        if (now_ns - f->strangers_ns >= NS_PER_S || now_ns < f->strangers_ns) {
                f->strangers_ns = now_ns;
                f->strangers_told = 0;
        }
        if (f->strangers_told == RECORD_DENIED_STRANGERS)
                return false;
        f->strangers_told++;
        return true;
}

bool record_fold_one(struct record_fold *f, const struct record_call *c,
                     const struct refusal *refusal)
{
        struct row key = row_of(c, refusal), *r = find_row(f, &key);

        if (r->counted == 0 && is_over(r, c->now_ns)) {
                r->begun_ns = c->now_ns;
                r->told = 0;
        }
        if (r->counted == 0 && r->told < RECORD_DENIED_BURST &&
            (!key.stranger || may_tell_stranger(f, c->now_ns))) {
                r->told++;
                return true;
        }
        if (r->counted++ == 0)
                r->first_ns = c->now_ns;
        keep_count(f, r, 1);
        r->last_ns = c->now_ns;
        memcpy(r->id, c->id, sizeof r->id);
        return false;
}

/* ---- telling ---- */

static void put_folded(struct json_writer *w, const void *ctx)
{
        const struct row *r = ctx;

        if (r->api[0])
                record_member_name(w, "api", span_str(r->api));
        if (r->id[0])
                json_member_text(w, "call", r->id);
        json_member_u64(w, "count", r->counted);
        if (!r->id[0])
                json_member_text(w, "detail", "counted by a process that was killed");
        else
                json_member_time(w, "from", r->first_ns);
        if (r->operation[0])
                record_member_name(w, "operation", span_str(r->operation));
        if (r->reason == REFUSED_NOT) {
                json_member_text(w, "reason", "several");
                return;
        }
        json_member_text(w, "reason", refusal_about(r->reason)->name);
        json_member_int(w, "status", refusal_about(r->reason)->status);
}

static int tell(const struct row *r, struct arena *arena, struct records *ret, struct err *err)
{
        struct record *one = arena_alloc(arena, sizeof *one);
        struct span network = span_str(r->network);
        int rc = one ? 0 : -ENOMEM;

        if (rc == 0 && network.n)
                rc = record_field(one, SPAN("who.address"),
                                  record_subject(SPAN("address"), network, arena),
                                  record_text(network, arena));
        if (rc < 0)
                return err_sys(err, rc, "api.denied");
        rc = record_make("api.denied", r->last_ns, put_folded, r, arena, one, err);
        if (rc == 0)
                *ret = (struct records){ .at = one, .n = 1 };
        return rc < 0 ? rc : 1;
}

int record_folded(enum refusal_reason reason, uint64_t count, int64_t now_ns, struct arena *arena,
                  struct records *ret, struct err *err)
{
        const struct row r = { .reason = reason, .counted = count, .last_ns = now_ns };
        int rc = tell(&r, arena, ret, err);

        return rc < 0 ? rc : 0;
}

static bool is_due(const struct row *r, int64_t now_ns, bool all)
{
        return r->counted && (all || is_over(r, now_ns));
}

int record_fold_due(struct record_fold *f, int64_t now_ns, bool all, struct arena *arena,
                    struct records *ret, struct err *err)
{
        struct row *others = &f->row[OTHERS];
        int rc;

        sweep(f, now_ns);
        for (uint32_t i = 0; i < f->n; i++) {
                if (!is_due(&f->row[i], now_ns, all))
                        continue;
                rc = tell(&f->row[i], arena, ret, err);
                if (rc == 1) {
                        keep_count(f, &f->row[i], -f->row[i].counted);
                        drop(f, i);
                }
                return rc;
        }
        if (!is_due(others, now_ns, all))
                return 0;
        rc = tell(others, arena, ret, err);
        if (rc == 1) {
                keep_count(f, others, -others->counted);
                *others = (struct row){ 0 };
        }
        return rc;
}
