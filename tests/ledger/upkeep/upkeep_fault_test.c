/* SPDX-License-Identifier: Apache-2.0 */
/* The vault and what happens to a log over the years, each with the k-th call of one kind failing,
 * for every k until the step passes untouched.  The step then says which file it was; opened again,
 * everything that was there before is there, and the step done once more succeeds. */
#include "../erase_now.h"
#include "../faulty.h"
#include "../fixture.h"
#include "ledger/upkeep/upkeep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ENTRIES = 520, ALICE_AT = 300, BOB_AT = 301, OLD_AT = 3, CHANGED_AT = 302 };

struct world {
        struct fixture f;
        struct faulty io;
        struct vault *v;
        char alice[ENTRY_SUBJECT_LEN + 1], bob[ENTRY_SUBJECT_LEN + 1];
        struct buf shown[2];             /* disclosures of ALICE_AT, BOB_AT */
        struct buf rows_alice, rows_bob; /* their sealed rows */
        struct buf rows_new;
};

/* ---- what is there before ---- */

static int put_shown(void *ctx, struct span id, struct span disclosure)
{
        buf_put(ctx, id);
        buf_put(ctx, disclosure);
        return buf_status(ctx);
}

static void seal(struct world *w, const char *subject, struct buf *rows)
{
        struct vault_field f = { span_str(subject), SPAN("who.user"), SPAN("\"x\"") };
        struct vault_sealed out;

        assert_int_equal(vault_seal(w->v, SPAN("e"), &f, 1, &out, rows, NULL), 0);
        assert_int_equal(vault_sync(w->v, NULL), 0);
}

static void open_vault(struct world *w, const struct io *io)
{
        struct err err = { 0 };

        w->v = vault_free(w->v);
        if (vault_open(w->f.private_fd, io, true, &w->v, &err) < 0)
                fail_msg("%s", err_text(&err));
}

static void put_rows(struct world *w)
{
        struct vault_rows old = { OLD_AT, buf_span(&w->rows_alice) };
        struct vault_rows two[] = { { ALICE_AT, buf_span(&w->rows_alice) },
                                    { BOB_AT, buf_span(&w->rows_bob) } };

        assert_int_equal(vault_store(w->v, 0, &old, 1, NULL), 0);
        assert_int_equal(vault_store(w->v, 1, two, 2, NULL), 0);
        assert_int_equal(vault_store_sync(w->v, NULL), 0);
        assert_int_equal(vault_subject_of(w->v, SPAN("alice"), w->alice, NULL), 0);
        assert_int_equal(vault_subject_of(w->v, SPAN("bob"), w->bob, NULL), 0);
        for (size_t i = 0; i < 2; i++)
                assert_int_equal(
                        vault_disclose(w->v, ALICE_AT + i, put_shown, &w->shown[i], NULL, NULL), 0);
        assert_true(w->shown[0].n > 50 && w->shown[1].n > 50);
}

static void make_next(struct world *w)
{
        static const char *const t[] = { "log.next", "log.next.private" };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                assert_int_equal(mkdirat(w->f.root_fd, t[i], 0700), 0);
        fixture_write(w->f.root_fd, "log.next/mark", SPAN("public"));
        fixture_write(w->f.root_fd, "log.next.private/mark", SPAN("private"));
}

static void make(struct world *w)
{
        struct ledger *l;
        struct publisher *p;

        memset(w, 0, sizeof *w);
        fixture_new(&w->f);
        for (size_t i = 0; i < 2; i++)
                w->shown[i] = BUF_INIT(4096);
        w->rows_alice = w->rows_bob = w->rows_new = BUF_INIT(4096);
        l = fixture_open(&w->f);
        fixture_append(&w->f, l, ENTRIES, 40, ENTRIES);
        p = fixture_publisher(&w->f, NULL, false);
        fixture_publish(p, l);
        publisher_free(p);
        ledger_free(l);
        open_vault(w, &io_kernel);
        seal(w, "alice", &w->rows_alice);
        seal(w, "bob", &w->rows_bob);
        put_rows(w);
        make_next(w);
}

static void drop(struct world *w)
{
        vault_free(w->v);
        for (size_t i = 0; i < 2; i++)
                buf_done(&w->shown[i]);
        buf_done(&w->rows_alice);
        buf_done(&w->rows_bob);
        buf_done(&w->rows_new);
        fixture_done(&w->f);
}

/* What an entry discloses is what it did, or nothing where that is allowed. */
static void check_shown(struct world *w, size_t i, bool or_nothing)
{
        CLEANUP(buf_done) struct buf now = BUF_INIT(4096);

        assert_int_equal(vault_disclose(w->v, ALICE_AT + i, put_shown, &now, NULL, NULL), 0);
        if (!or_nothing || now.n)
                assert_true(span_eq(buf_span(&now), buf_span(&w->shown[i])));
}

static void check_id(struct world *w, const char *label, const char *want)
{
        char id[ENTRY_SUBJECT_LEN + 1];

        assert_int_equal(vault_subject_of(w->v, span_str(label), id, NULL), 0);
        assert_string_equal(id, want);
}

static bool there(const struct world *w, const char *path)
{
        return faccessat(w->f.root_fd, path, F_OK, 0) == 0;
}

/* Absent where that is allowed, else one of two contents, whole. */
static void check_file(const struct world *w, const char *path, const char *one, const char *other,
                       bool or_absent)
{
        uint8_t *bytes;
        size_t n;

        if (or_absent && !there(w, path))
                return;
        bytes = fixture_read(w->f.root_fd, path, &n);
        if (!span_eq_str(span_of(bytes, n), one) && !span_eq_str(span_of(bytes, n), other))
                fail_msg("%s: %.*s", path, (int)n, (const char *)bytes);
        free(bytes);
}

/* ---- the steps: done says that it has been done to the end ---- */

static int do_new_subject(struct world *w, struct err *err)
{
        struct vault_field f = { SPAN("carol"), SPAN("who.user"), SPAN("\"y\"") };
        struct vault_sealed out;
        int r;

        buf_clear(&w->rows_new);
        r = vault_seal(w->v, SPAN("e2"), &f, 1, &out, &w->rows_new, err);
        return r < 0 ? r : vault_sync(w->v, err);
}

static void check_new_subject(struct world *w, bool done)
{
        char id[ENTRY_SUBJECT_LEN + 1];
        int r = vault_subject_of(w->v, SPAN("carol"), id, NULL);

        assert_true(r == 0 || (!done && r == -ENOENT));
        assert_in_range(vault_subjects(w->v), done ? 3 : 2, 3);
}

static int do_rows(struct world *w, struct err *err)
{
        struct vault_rows three[] = { { ALICE_AT, buf_span(&w->rows_alice) },
                                      { BOB_AT, buf_span(&w->rows_bob) },
                                      { CHANGED_AT, buf_span(&w->rows_alice) } };
        int r = vault_store(w->v, 1, three, ARRAY_LEN(three), err);

        return r < 0 ? r : vault_store_sync(w->v, err);
}

static void check_rows(struct world *w, bool done)
{
        CLEANUP(buf_done) struct buf now = BUF_INIT(4096);

        assert_int_equal(vault_disclose(w->v, CHANGED_AT, put_shown, &now, NULL, NULL), 0);
        if (done || now.n)
                assert_true(span_eq(buf_span(&now), buf_span(&w->shown[0])));
}

static int do_hold(struct world *w, struct err *err)
{
        return vault_hold(w->v, span_str(w->alice), true, err);
}

static void check_hold(struct world *w, bool done)
{
        if (done)
                assert_int_equal(erase_now(w->v, span_str(w->alice), NULL), -EBUSY);
}

static int do_erase(struct world *w, struct err *err)
{
        return erase_now(w->v, span_str(w->bob), err);
}

/* Either it has not begun, or opening has ended it. */
static void check_erase(struct world *w, bool done)
{
        bool erased = vault_is_erased(w->v, span_str(w->bob), NULL) == 1;

        assert_true(erased || !done);
        check_shown(w, 1, erased);
        if (erased)
                assert_int_equal(fixture_search(&w->f, span_from(buf_span(&w->rows_bob), 6)), 0);
}

static int do_prune(struct world *w, struct err *err)
{
        return prune_below(w->f.public_fd, w->f.private_fd, &w->io.io, 256, err);
}

/* Nothing goes before the note says so. */
static void check_prune(struct world *w, bool done)
{
        bool said = there(w, "log/pruned");

        check_file(w, "log/pruned", "256\n", "256\n", !done);
        assert_true(there(w, "log/tile/entries/001") && there(w, "log/tile/0/000"));
        assert_true(there(w, "log.private/vault/001"));
        assert_true(said || there(w, "log/tile/entries/000"));
        assert_true(said || there(w, "log.private/vault/000"));
        assert_false(done && there(w, "log/tile/entries/000"));
        assert_false(done && there(w, "log.private/vault/000"));
}

static int do_stamp(struct world *w, struct err *err)
{
        return stamp_store(w->f.public_fd, &w->io.io, 520, SPAN("note"), SPAN("reply"), err);
}

static void check_stamp(struct world *w, bool done)
{
        check_file(w, "log/stamp/520.note", "note", "note", !done);
        check_file(w, "log/stamp/520.tsr", "reply", "reply", !done);
}

static void before_stamp_again(struct world *w)
{
        assert_int_equal(stamp_store(w->f.public_fd, &io_kernel, 520, SPAN("old note"),
                                     SPAN("old reply"), NULL),
                         0);
}

static void check_stamp_again(struct world *w, bool done)
{
        check_file(w, "log/stamp/520.note", done ? "note" : "old note", "note", false);
        check_file(w, "log/stamp/520.tsr", done ? "reply" : "old reply", "reply", false);
}

static int do_close(struct world *w, struct err *err)
{
        return succession_close(w->f.private_fd, &w->io.io, "next.example/log", err);
}

static void check_close(struct world *w, bool done)
{
        struct ledger *l = NULL;
        int r = ledger_open(w->f.public_fd, w->f.private_fd, &w->f.options, &l, NULL);

        check_file(w, "log.private/succeeded", "next.example/log", "next.example/log", !done);
        assert_int_equal(r, there(w, "log.private/succeeded") ? -EROFS : 0);
        ledger_free(l);
}

static int do_cite(struct world *w, struct err *err)
{
        CLEANUP_FD int fd = openat(w->f.root_fd, "log.next.private", O_RDONLY | O_DIRECTORY);

        return succession_cite(fd, &w->io.io, SPAN("{\"previous_size\":520}"), err);
}

static void check_cite(struct world *w, bool done)
{
        check_file(w, "log.next.private/previous", "{\"previous_size\":520}",
                   "{\"previous_size\":520}", !done);
}

static void before_inherit(struct world *w)
{
        fixture_write(w->f.private_fd, "runs", SPAN("writers"));
        fixture_write(w->f.private_fd, "calls_left", SPAN("refused"));
}

static int do_inherit(struct world *w, struct err *err)
{
        CLEANUP_FD int fd = openat(w->f.root_fd, "log.next.private", O_RDONLY | O_DIRECTORY);

        return succession_inherit(w->f.private_fd, fd, &w->io.io, err);
}

static void check_inherit(struct world *w, bool done)
{
        check_file(w, "log.next.private/previous_runs", "writers", "writers", !done);
        check_file(w, "log.next.private/calls", "refused", "refused", !done);
}

static void before_install(struct world *w)
{
        assert_int_equal(succession_close(w->f.private_fd, &io_kernel, "next.example/log", NULL),
                         0);
}

static int do_install(struct world *w, struct err *err)
{
        return succession_install(w->f.root_fd, "log", &w->io.io, NULL, err);
}

/* Each half of both ledgers is in one place. */
static void check_install(struct world *w, bool done)
{
        static const char *const marks[][2] = { { "checkpoint", "" },
                                                { "succeeded", ".private" },
                                                { "mark", "" },
                                                { "mark", ".private" } };
        static const char *const places[] = { "log", "log.1", "log.next" };
        char path[64];

        for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
                unsigned n = 0;

                for (size_t k = 0; k < ARRAY_LEN(places); k++) {
                        snprintf(path, sizeof path, "%s%s/%s", places[k], marks[i][1], marks[i][0]);
                        n += there(w, path);
                }
                assert_int_equal(n, 1);
        }
        if (!done)
                return;
        assert_true(there(w, "log.1/checkpoint") && there(w, "log.1.private/succeeded"));
        assert_true(there(w, "log/mark") && there(w, "log.private/mark"));
}

static const struct step {
        const char *name;
        void (*before)(struct world *w);
        int (*run)(struct world *w, struct err *err);
        void (*check)(struct world *w, bool done);
        const char *says[5]; /* words of which a failure has one: the file */
} steps[] = {
        { "a new subject", NULL, do_new_subject, check_new_subject, { "keys/subjects" } },
        { "sealed rows", NULL, do_rows, check_rows, { "vault: ./001", "vault: ." } },
        { "hold", NULL, do_hold, check_hold, { "keys/subjects" } },
        { "erase", NULL, do_erase, check_erase, { "keys/subjects", "vault/", "vault: " } },
        { "prune",
          NULL,
          do_prune,
          check_prune,
          { "pruned", "tile/entries/000", "000", "vault", "rotation" } },
        { "stamp", NULL, do_stamp, check_stamp, { "stamp" } },
        { "stamp again", before_stamp_again, do_stamp, check_stamp_again, { "stamp" } },
        { "close", NULL, do_close, check_close, { "succeeded" } },
        { "cite", NULL, do_cite, check_cite, { "previous" } },
        { "inherit", before_inherit, do_inherit, check_inherit, { "runs", "calls" } },
        { "install", before_install, do_install, check_install, { "log" } },
};

/* ---- each call in turn ---- */

static void must_say(const struct step *s, const struct world *w, const struct err *err)
{
        for (size_t i = 0; i < ARRAY_LEN(s->says) && s->says[i]; i++)
                if (strstr(err->text, s->says[i]))
                        return;
        fail_msg("%s, %s %u: no file in \"%s\"", s->name, faulty_name(w->io.kind), w->io.at,
                 err->text);
}

static void reopen(struct world *w)
{
        w->io.at = 0;
        if (there(w, "log.private/keys/subjects"))
                open_vault(w, &w->io.io);
}

/* What stood there before the step and is none of its business. */
static void check_rest(struct world *w, const struct step *s)
{
        if (s->run == do_install)
                return; /* the vault has moved */
        check_shown(w, 0, false);
        check_id(w, "alice", w->alice);
        if (s->run == do_erase)
                return;
        check_shown(w, 1, false);
        check_id(w, "bob", w->bob);
}

/* Was there a k-th call to fail? */
static bool strike(const struct step *s, enum faulty_kind kind, unsigned k, int error, bool half)
{
        struct err err = { 0 }, again = { 0 };
        struct world *w = malloc(sizeof *w);
        bool struck;
        int r;

        make(w);
        if (s->before)
                s->before(w);
        faulty_init(&w->io);
        open_vault(w, &w->io.io);
        memset(w->io.count, 0, sizeof w->io.count);
        w->io.kind = kind;
        w->io.at = k;
        w->io.error = error;
        w->io.half = half;
        r = s->run(w, &err);
        struck = w->io.struck;
        if (r < 0) {
                assert_true(struck);
                must_say(s, w, &err);
        }
        reopen(w);
        s->check(w, r == 0);
        check_rest(w, s);
        if (s->run(w, &again) < 0)
                fail_msg("%s, %s %u: not the second time: %s", s->name, faulty_name(kind), k,
                         again.text);
        reopen(w);
        s->check(w, true);
        check_rest(w, s);
        drop(w);
        free(w);
        return struck;
}

/* How many calls of these kinds the steps make. */
static unsigned each(enum faulty_kind kind, int error, bool half)
{
        unsigned n = 0, k;

        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                for (k = 1; strike(&steps[i], kind, k, error, half); k++)
                        n++;
        }
        return n;
}

static void writes(void **state)
{
        assert_in_range(each(FAULTY_PWRITE, -EIO, true), 10, 1000);
}

static void writes_without_room(void **state)
{
        assert_in_range(each(FAULTY_PWRITE, -ENOSPC, false), 10, 1000);
}

static void data_syncs(void **state)
{
        assert_in_range(each(FAULTY_FDATASYNC, -EIO, false), 4, 1000);
}

static void syncs(void **state)
{
        assert_in_range(each(FAULTY_FSYNC, -EIO, false), 10, 1000);
}

static void renames(void **state)
{
        assert_in_range(each(FAULTY_RENAME, -EIO, false), 10, 1000);
}

static void removals(void **state)
{
        assert_in_range(each(FAULTY_UNLINK, -EIO, false), 2, 1000);
}

static void opens(void **state)
{
        assert_in_range(each(FAULTY_OPEN, -EMFILE, false), 10, 1000);
}

static void new_directories(void **state)
{
        assert_in_range(each(FAULTY_MKDIR, -ENOSPC, false), 1, 1000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(writes),     cmocka_unit_test(writes_without_room),
                cmocka_unit_test(data_syncs), cmocka_unit_test(syncs),
                cmocka_unit_test(renames),    cmocka_unit_test(removals),
                cmocka_unit_test(opens),      cmocka_unit_test(new_directories),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
