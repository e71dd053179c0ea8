/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/newcomers.h"

#include "base/clock.h"
#include "crypto/seal.h"
#include "loop/log.h"
#include "wire/json.h"

#define HOUR_NS (3600 * NS_PER_S)

void newcomers_init(struct newcomers *all, uint32_t most)
{
        memset(all, 0, sizeof *all);
        all->most = most ? most : NEWCOMERS_DEFAULT;
        random_bytes(all->key, sizeof all->key);
}

/* ---- the table ---- */

/* In this hour; NULL: none was made. */
static const struct newcomer *find(const struct newcomer *row, uint64_t who, uint32_t hour)
{
        for (size_t i = 0; i < NEWCOMERS_ROW; i++)
                if (row[i].n > 0 && row[i].who == who && row[i].hour == hour)
                        return &row[i];
        return NULL;
}

uint32_t newcomers_left(const struct newcomers *all, struct span who, uint32_t hour)
{
        const uint64_t hash = siphash(all->key, who);
        const struct newcomer *c = find(all->row[hash % NEWCOMERS_ROWS], hash, hour);
        const uint64_t most = (uint64_t)all->most * (who.n ? 1 : NEWCOMERS_TOGETHER);

        return (uint32_t)(c ? most - MIN_OF((uint64_t)c->n, most) : most);
}

/* Of another hour first, else the one that has made fewest. */
static struct newcomer *give_way(struct newcomer *row, uint32_t hour)
{
        struct newcomer *least = row;

        for (size_t i = 0; i < NEWCOMERS_ROW; i++) {
                if (row[i].n == 0 || row[i].hour != hour)
                        return &row[i];
                if (row[i].n < least->n)
                        least = &row[i];
        }
        return least;
}

void newcomers_count(struct newcomers *all, struct span who, uint32_t hour, uint32_t made)
{
        const uint64_t hash = siphash(all->key, who);
        struct newcomer *row = all->row[hash % NEWCOMERS_ROWS];
        const struct newcomer *had = find(row, hash, hour);
        struct newcomer *c = had ? &row[had - row] : give_way(row, hour);

        if (made > 0)
                *c = (struct newcomer){ hash, hour, (had ? had->n : 0) + made };
}

/* ---- sealing ---- */

static struct span caller_of(const struct newcomers_entry *e)
{
        for (size_t i = 0; i < e->n; i++)
                if (span_eq_str(e->fields[i].name, "who.user"))
                        return e->fields[i].subject;
        return e->for_whom;
}

/* The log has no names: the ledger's entries of that hour have. */
static int refuse(struct newcomers *all, uint32_t hour, struct err *err)
{
        if (all->told != hour)
                log_event(LOG_LEVEL_WARNING, "recorder.newcomers", log_u64("most", all->most));
        all->told = hour;
        all->n_refused++;
        return err_set(err, -EDQUOT,
                       "its caller has made %u new subjects in this hour: no more may be",
                       all->most);
}

static bool is_refusal(struct span skeleton)
{
        struct json_value v;
        struct span kind;

        return json_get(json_value_of(skeleton), "k", &v) && json_value_plain(v, &kind) &&
               span_eq_str(kind, "api.denied");
}

/* Whoever is known costs nothing here: only what found somebody new looks at the table. */
int newcomers_seal(struct newcomers *all, struct vault *v, uint32_t most_subjects,
                   const struct newcomers_entry *e, struct vault_sealed *ret, struct buf *rows,
                   struct err *err)
{
        const uint32_t known = vault_subjects(v), hour = (uint32_t)(e->wall_ns / HOUR_NS);
        const struct span who = caller_of(e);
        uint32_t left;
        int rc;

        vault_limit(v, MIN_OF(known, most_subjects));
        rc = vault_seal(v, e->id, e->fields, e->n, ret, rows, err);
        if (rc != -EBUSY || known >= most_subjects)
                return rc;
        left = most_subjects - known;
        if (!is_refusal(e->skeleton))
                left = MIN_OF(newcomers_left(all, who, hour), left);
        buf_clear(rows);
        vault_limit(v, known + left);
        rc = vault_seal(v, e->id, e->fields, e->n, ret, rows, err);
        newcomers_count(all, who, hour, vault_subjects(v) - known);
        return rc == -EBUSY && known + left < most_subjects ? refuse(all, hour, err) : rc;
}
