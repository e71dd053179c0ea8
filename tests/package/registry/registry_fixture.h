/* SPDX-License-Identifier: Apache-2.0 */
/* registry_fixture.h - a registry in a directory of its own, and a ledger in memory beside it that
 * can be away.  Include once per test program, behind cmocka.h. */
#ifndef TESTS_PACKAGE_REGISTRY_FIXTURE_H
#define TESTS_PACKAGE_REGISTRY_FIXTURE_H

#include "package/registry/registry.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../ledger/fixture.h"

#define ORIGIN "h.example/ledger"

enum { LOG_MAX = 128 };

/* What the ledger has, and how it fares. */
struct log {
        char *entry[LOG_MAX]; /* "api.pushed {...}" */
        size_t n;
        bool away;      /* it answers nothing */
        bool deaf;      /* it takes no entry, and says so */
        bool unheard;   /* it takes the entry, and its answer is lost */
        bool forgetful; /* it cannot be asked afterwards */
};

static int log_position(void *ctx, char origin[NOTE_NAME_MAX + 1], uint64_t *ret, struct err *err)
{
        struct log *l = ctx;

        if (l->away)
                return err_set(err, -ECONNREFUSED, "the recorder does not answer");
        snprintf(origin, NOTE_NAME_MAX + 1, "%s", ORIGIN);
        *ret = l->n;
        return 0;
}

static int log_record(void *ctx, const char *kind, struct span what, struct span sensitive,
                      struct err *err)
{
        struct log *l = ctx;

        (void)sensitive;
        if (l->deaf)
                return err_set(err, -ENOSPC, "the ledger takes no entry");
        assert_true(l->n < LOG_MAX);
        assert_true(asprintf(&l->entry[l->n++], "%s %.*s", kind, (int)what.n,
                             (const char *)what.p) > 0);
        return l->unheard ? err_set(err, -ECONNRESET, "the recorder is gone") : 0;
}

static int log_find(void *ctx, const char *origin, uint64_t from, const char *kind,
                    struct span what, bool *ret, struct err *err)
{
        char want[REGISTRY_RECORD_MAX];
        struct log *l = ctx;

        if (l->forgetful || l->away)
                return err_set(err, -ECONNREFUSED, "the recorder does not answer");
        assert_string_equal(origin, ORIGIN);
        snprintf(want, sizeof want, "%s %.*s", kind, (int)what.n, (const char *)what.p);
        *ret = false;
        for (uint64_t i = from; i < l->n; i++)
                *ret = *ret || strcmp(l->entry[i], want) == 0;
        return 0;
}

struct place {
        char path[64];
        struct registry r;
        struct log log;
        struct registry_ledger ledger;
};

static void place_open(struct place *p, const struct io *io)
{
        struct err err = { 0 };

        if (registry_open(p->path, io, &p->r, &err) < 0 || registry_lock(&p->r, &err) < 0)
                fail_msg("%s: %s", p->path, err_text(&err));
}

static void place_new(struct place *p)
{
        *p = (struct place){ .path = "/dev/shm/registry-XXXXXX", .r = REGISTRY_INIT };
        p->ledger = (struct registry_ledger){ log_position, log_record, log_find, &p->log };
        assert_non_null(mkdtemp(p->path));
        assert_int_equal(chmod(p->path, 0755), 0);
        place_open(p, &io_kernel);
}

static void place_forget(struct place *p)
{
        while (p->log.n > 0)
                free(p->log.entry[--p->log.n]);
}

static void place_done(struct place *p)
{
        registry_close(&p->r);
        place_forget(p);
        fixture_remove(AT_FDCWD, p->path);
}

/* ---- acts ---- */

static void make_hash(const char *version, uint8_t out[PACKAGE_HASH])
{
        memset(out, version[0], PACKAGE_HASH);
        out[1] = (uint8_t)(version[0] ? version[1] : 0) | 1;
}

static struct registry_record *a_push(const char *version)
{
        struct registry_record *r = calloc(1, sizeof *r);

        assert_non_null(r);
        *r = (struct registry_record){ .kind = REGISTRY_PUSHED,
                                       .time_ns = 1,
                                       .api = "accounts",
                                       .builder_key = "00000001",
                                       .commit = "1212121212121212121212121212121212121212",
                                       .directory = "services/accounts",
                                       .key = "SHA256:x",
                                       .repository = "services",
                                       .sources = 5,
                                       .author = "bert",
                                       .signer = "bert@example.org",
                                       .n_tips = 1 };
        r->tips[0] = (struct registry_tip){ "refs/heads/main",
                                            "3434343434343434343434343434343434343434", true };
        snprintf(r->version, sizeof r->version, "%s", version);
        make_hash(version, r->sha256);
        return r;
}

static struct registry_record *a_deployment(uint64_t generation, const char *version)
{
        struct registry_record *r = a_push(version);

        r->kind = REGISTRY_DEPLOYED;
        r->generation = generation;
        snprintf(r->approver, sizeof r->approver, "anna");
        snprintf(r->approver_key, sizeof r->approver_key, "00000002");
        snprintf(r->change, sizeof r->change, "CHG-%s", version);
        memset(r->approval, (int)generation, sizeof r->approval);
        return r;
}

static struct registry_record *a_rollback(uint64_t generation, const char *version, uint64_t to)
{
        struct registry_record *r = a_push(version);

        r->kind = REGISTRY_ROLLED_BACK;
        r->generation = generation;
        r->approved_in = to;
        snprintf(r->reason, sizeof r->reason, "slow");
        return r;
}

static struct registry_record *a_withdrawal(uint64_t generation)
{
        struct registry_record *r = a_push("");

        r->kind = REGISTRY_WITHDRAWN;
        r->generation = generation;
        snprintf(r->previous, sizeof r->previous, "1");
        snprintf(r->reason, sizeof r->reason, "gone");
        return r;
}

/* It must succeed; takes the record. */
static void act(struct place *p, struct registry_record *record)
{
        struct err err = { 0 };

        if (registry_act(&p->r, &p->ledger, record, &err) < 0)
                fail_msg("%s: %s", registry_act_entry(record->kind), err_text(&err));
        free(record);
}

#endif
