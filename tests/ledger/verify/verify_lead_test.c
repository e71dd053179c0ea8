/* SPDX-License-Identifier: Apache-2.0 */
/* A web server says that there is more than anybody has: how far is it followed?  Its log is made
 * by testlog.h; behind that it has as many bundles as are asked for, all the same. */
#include "ledger/verify/verify.h"

#include "../testlog.h"
#include "ledger/signing/signer.h"
#include "wire/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define ENDLESS UINT64_C(9000000000000000)

enum { HUGE_BYTES = 16 * 1000 * 1000, LEAD_READS = 2 << 16 /* as far as a key is looked for */ };

static const uint8_t k2[32] = { 2 }, k3[32] = { 3 };

struct server {
        struct source s;
        struct source *dir;
        bool endless, huge; /* behind the log: bundles; of 16 MB, most of it behind the entries */
        uint64_t dies_after, reads; /* 0: never */
        const char *late[2];        /* this file has the content of that one, the first time */
};

static void put_bundle(struct buf *out)
{
        for (int i = 0; i < TILE_WIDTH; i++)
                buf_put(out, SPAN("\0\2{}"));
}

static void put_tile(struct buf *out)
{
        struct hash leaf;

        sha256_leaf(SPAN("{}"), leaf.b);
        for (int i = 0; i < TILE_WIDTH; i++)
                buf_put(out, span_of(leaf.b, sizeof leaf.b));
}

static int serve(struct source *s, const char *path, struct buf *out, struct err *err)
{
        struct server *server = CONTAINER_OF(s, struct server, s);
        struct tile t;
        int r;

        if (server->reads++ >= server->dies_after && server->dies_after)
                return err_set(err, -EIO, "%s: connection refused", path);
        if (server->late[0] && strcmp(path, server->late[0]) == 0) {
                path = server->late[1];
                server->late[0] = NULL;
        }
        r = server->dir->read(server->dir, path, out, err);
        if (r != -ENOENT || !server->endless || tile_parse(span_str(path), &t) || t.level > 0)
                return r;
        if (t.level == TILE_LEVEL_ENTRIES)
                put_bundle(out);
        else
                put_tile(out);
        if (t.level == TILE_LEVEL_ENTRIES && server->huge && buf_extend(out, HUGE_BYTES))
                memset(out->p + out->n - HUGE_BYTES, 0, HUGE_BYTES);
        return buf_status(out);
}

static int no_list(struct source *s, int (*fn)(void *ctx, const char *path), void *ctx,
                   struct err *err)
{
        return err_set(err, -EOPNOTSUPP, "no list");
}

struct seen {
        uint64_t count[VERIFY_ISSUES];
        char text[VERIFY_ISSUES][512];
};

static void note_report(void *ctx, const struct verify_report *r)
{
        struct seen *s = ctx;

        if (!s->count[r->issue]++)
                snprintf(s->text[r->issue], sizeof s->text[0], "%s", r->text);
}

static struct verify_result judge(struct server *server, const struct testlog *l, struct seen *seen)
{
        struct verify_result result;
        struct note_vkey key;
        struct verify_options o = { .source = &server->s,
                                    .keys = &key,
                                    .n_keys = 1,
                                    .on_report = note_report,
                                    .ctx = seen };

        *seen = (struct seen){ 0 };
        server->s = (struct source){ .read = serve, .list = no_list, .name = "server" };
        server->reads = 0;
        assert_int_equal(verifier_parse(span_str(l->vkey), &key, NULL), 0);
        assert_int_equal(source_dir(l->fd, "test", &server->dir, NULL), 0);
        assert_int_equal(verify_log(&o, &result, NULL), 0);
        source_free(server->dir);
        return result;
}

/* A checkpoint of `size` and root, signed by those of the keys that are there. */
static void put_note(struct testlog *l, const char *path, uint64_t size, const struct hash *root,
                     const char *name, const uint8_t *first, const uint8_t *second)
{
        struct buf b = BUF_INIT(4096);
        size_t n;

        buf_printf(&b, "%s\n%llu\n", l->name, (unsigned long long)size);
        text_put_base64(&b, span_of(root->b, 32));
        buf_put_str(&b, "\n");
        n = b.n;
        buf_put_str(&b, "\n");
        testlog_sign(&b, n, name, first);
        if (second)
                testlog_sign(&b, n, name, second);
        testlog_write(l, path, buf_span(&b));
        buf_done(&b);
}

/* With the log's root. */
static void put_checkpoint(struct testlog *l, const char *path, uint64_t size, const char *name,
                           const uint8_t *first, const uint8_t *second)
{
        struct hash root = testlog_root(l, l->size);

        put_note(l, path, size, &root, name, first, second);
}

/* An entry that names the next key, and its note. */
static void rotate(struct testlog *l, const uint8_t *before, const uint8_t *next)
{
        char vkey[256], text[512], path[64];

        testlog_vkey(l->name, 0x01, next, vkey);
        snprintf(text, sizeof text,
                 "{\"k\":\"ledger.key_rotated\",\"t\":\"2026-11-21T18:00:00Z\",\"v\":1,\"what\":"
                 "{\"reason\":\"yearly\",\"vkey\":\"%s\"}}",
                 vkey);
        testlog_add(l, span_str(text));
        snprintf(path, sizeof path, "rotation/%llu", (unsigned long long)l->size);
        put_checkpoint(l, path, l->size, l->name, before, next);
}

/* Nobody who could be a later key of the log has signed it: nothing is read of what it claims. */
static void unsigned_is_not_read(void **state)
{
        static const struct {
                const char *name;
                const uint8_t *seed;
        } by[] = { { "a.stranger", k2 }, { "t.example/log", NULL } /* its key, of another text */ };
        struct testlog l;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 300);
        testlog_publish(&l, 300);
        for (size_t i = 0; i < ARRAY_LEN(by); i++) {
                struct server server = { .endless = true };
                struct verify_result r;
                struct seen seen;

                put_checkpoint(&l, "checkpoint", ENDLESS, by[i].name,
                               by[i].seed ? by[i].seed : l.seed, NULL);
                if (!by[i].seed) { /* signed, and then the size was changed */
                        struct buf b = BUF_INIT(4096);

                        testlog_note(&l, 300, &b);
                        memcpy(b.p + strlen(l.name) + 1, "999", 3);
                        testlog_write(&l, "checkpoint", buf_span(&b));
                        buf_done(&b);
                }
                r = judge(&server, &l, &seen);
                assert_int_equal(r.verdict, VERDICT_FAIL);
                assert_int_equal(r.entries, 0);
                assert_in_range(server.reads, 1, 8);
                assert_int_equal(
                        seen.count[by[i].seed ? VERIFY_SIGNATURE_MISSING : VERIFY_SIGNATURE_BAD],
                        1);
                assert_non_null(strstr(seen.text[VERIFY_UNREADABLE], "nobody's word"));
        }
        testlog_done(&l);
}

/* It says that a later key of the log has signed it, and no entry names that: there is an end. */
static void a_key_that_nothing_leads_to(void **state)
{
        struct server server = { .endless = true };
        struct verify_result r;
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 256);
        testlog_publish(&l, 256);
        put_checkpoint(&l, "checkpoint", ENDLESS, l.name, k2, NULL);
        r = judge(&server, &l, &seen);
        assert_int_equal(r.verdict, VERDICT_FAIL); /* those tiles above are not there */
        assert_int_equal(r.entries, 1 << 24);
        assert_int_equal(seen.count[VERIFY_KEY_NOT_FOUND], 1);
        assert_non_null(strstr(seen.text[VERIFY_KEY_NOT_FOUND], "first 16777216 entries"));
        assert_int_equal(seen.count[VERIFY_SIGNATURE_MISSING], 0); /* that is the same again */
        testlog_done(&l);
}

/* Few entries that are large come to an end as well. */
static void a_key_that_much_does_not_lead_to(void **state)
{
        struct server server = { .endless = true, .huge = true, .dies_after = 2000 };
        struct verify_result r;
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 256);
        testlog_publish(&l, 256);
        put_checkpoint(&l, "checkpoint", ENDLESS, l.name, k2, NULL);
        r = judge(&server, &l, &seen);
        assert_int_equal(seen.count[VERIFY_KEY_NOT_FOUND], 1);
        assert_in_range(r.entries, (UINT64_C(4) << 30) / (HUGE_BYTES + 20000) * TILE_WIDTH,
                        (UINT64_C(4) << 30) / HUGE_BYTES * TILE_WIDTH + 2 * TILE_WIDTH);
        testlog_done(&l);
}

/* A stranger puts a change of key to one of his into the entries: the note of that does not hold,
 * and what he signs with it leads nowhere. */
static void a_change_of_key_by_a_stranger(void **state)
{
        struct server server = { .endless = true };
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 255);
        rotate(&l, k2, k2);
        testlog_publish(&l, 256);
        put_checkpoint(&l, "checkpoint", ENDLESS, l.name, k2, NULL);
        judge(&server, &l, &seen);
        assert_int_equal(seen.count[VERIFY_KEY_NOT_FOUND], 1);
        assert_non_null(strstr(seen.text[VERIFY_SIGNATURE_MISSING], "rotation/256"));
        testlog_done(&l);
}

/* The note is of another size or root, or the next key has not signed it: it leads nowhere. */
static void changes_of_key_that_do_not_hold(void **state)
{
        static const struct {
                uint64_t size;
                uint8_t flip;
                const uint8_t *second;
        } t[] = { { 255, 0, k2 }, { 256, 1, k2 }, { 256, 0, NULL }, { 256, 0, k3 } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct server server = { .endless = true, .dies_after = LEAD_READS + 5000 };
                struct testlog l;
                struct hash root;
                struct seen seen;

                testlog_new(&l, "t.example/log");
                testlog_fill(&l, 255);
                rotate(&l, l.seed, k2);
                root = testlog_root(&l, 256);
                root.b[0] ^= t[i].flip;
                put_note(&l, "rotation/256", t[i].size, &root, l.name, l.seed, t[i].second);
                testlog_publish(&l, 256);
                put_checkpoint(&l, "checkpoint", ENDLESS, l.name, k2, NULL);
                judge(&server, &l, &seen);
                assert_int_equal(seen.count[VERIFY_KEY_NOT_FOUND], 1);
                testlog_done(&l);
        }
}

/* One that holds leads to the key that has signed: what comes behind it is read to its end. */
static void a_change_of_key_that_holds(void **state)
{
        struct server server = { .endless = true, .dies_after = LEAD_READS + 5000 };
        struct verify_result r;
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 255);
        rotate(&l, l.seed, k2);
        testlog_publish(&l, 256);
        put_checkpoint(&l, "checkpoint", ENDLESS, l.name, k2, NULL);
        r = judge(&server, &l, &seen);
        assert_int_equal(seen.count[VERIFY_KEY_NOT_FOUND], 0);
        assert_true(r.entries > 1 << 24);
        testlog_done(&l);
}

/* What is signed by a later key is read as before, whichever key is given. */
static void later_keys_are_found(void **state)
{
        struct verify_result r;
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 300);
        rotate(&l, l.seed, k2);
        testlog_fill(&l, 300);
        rotate(&l, k2, k3);
        testlog_fill(&l, 50);
        testlog_publish(&l, l.size);
        put_checkpoint(&l, "checkpoint", l.size, l.name, k3, NULL);
        for (int i = 0; i < 3; i++) {
                struct server server = { 0 };

                if (i > 0)
                        testlog_vkey(l.name, 0x01, i == 1 ? k2 : k3, l.vkey);
                r = judge(&server, &l, &seen);
                assert_int_equal(seen.count[VERIFY_KEY_NOT_FOUND] + seen.count[VERIFY_UNREADABLE],
                                 0);
                assert_int_equal(r.entries, 652);
                assert_int_equal(r.rotations, 2);
        }
        testlog_done(&l);
}

/* A server that goes away is not asked for each file that it said it had. */
static void a_server_that_dies(void **state)
{
        struct verify_result r;
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 20000);
        testlog_publish(&l, 20000);
        for (uint64_t after = 4; after < 240; after += 47) {
                struct server server = { .dies_after = after };

                r = judge(&server, &l, &seen);
                assert_int_equal(r.verdict, VERDICT_UNKNOWN);
                assert_in_range(server.reads, after, after + 11);
                if (after == 192) /* in the second pass, which reads bundles alone */
                        assert_int_equal(server.reads, after + 8);
        }
        testlog_done(&l);
}

/* `pruned` makes up for entries, for no tile: where both are gone it is no log, however large. */
static void pruned_to_the_end(void **state)
{
        struct server server = { 0 };
        struct verify_result r;
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 300);
        testlog_publish(&l, 300);
        testlog_write(&l, "pruned", SPAN("8999999999999744\n"));
        put_checkpoint(&l, "checkpoint", ENDLESS, l.name, l.seed, NULL);
        r = judge(&server, &l, &seen);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        assert_non_null(strstr(seen.text[VERIFY_UNREADABLE], "more than 1000 bundles missing"));
        assert_in_range(server.reads, 1000, 10000);
        testlog_done(&l);
}

/* A server that was held up when it opened a partial file sends what became of that: another one.
 */
static void a_server_that_is_late(void **state)
{
        static const char *const late[][2] = {
                { "tile/entries/001.p/44", "tile/entries/000" },
                { "tile/entries/001.p/44", "tile/0/001.p/44" },
                { "tile/0/001.p/44", "tile/0/000" },
                { "tile/1/000.p/1", "tile/0/001.p/44" },
        };
        struct verify_result r;
        struct testlog l;
        struct seen seen;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 300);
        testlog_publish(&l, 300);
        for (size_t i = 0; i < ARRAY_LEN(late); i++) {
                struct server server = { .late = { late[i][0], late[i][1] } };

                r = judge(&server, &l, &seen);
                assert_null(server.late[0]);
                for (unsigned k = 0; k < VERIFY_ISSUES; k++)
                        if (seen.count[k] && k != VERIFY_NOT_LISTED)
                                fail_msg("%s: %s", late[i][0], seen.text[k]);
                assert_int_equal(r.verdict, VERDICT_PASS);
                assert_int_equal(r.entries, 300);
        }
        testlog_done(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(unsigned_is_not_read),
                cmocka_unit_test(a_key_that_nothing_leads_to),
                cmocka_unit_test(a_key_that_much_does_not_lead_to),
                cmocka_unit_test(a_change_of_key_by_a_stranger),
                cmocka_unit_test(changes_of_key_that_do_not_hold),
                cmocka_unit_test(a_change_of_key_that_holds),
                cmocka_unit_test(later_keys_are_found),
                cmocka_unit_test(a_server_that_dies),
                cmocka_unit_test(pruned_to_the_end),
                cmocka_unit_test(a_server_that_is_late),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
