/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out at each place in turn, for what reads ledgers and for the vault: it is said,
 * nothing is judged that was not read, and nothing that was kept is lost. */
#include "../alloc_fail.h"

#include "erase_now.h"
#include "fixture.h"
#include "ledger/read/tree.h"
#include "ledger/signing/signer.h"
#include "ledger/vault/vault.h"
#include "ledger/verify/verify.h"
#include "wire/tile.h"

#include <archive.h>
#include <archive_entry.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ENTRIES = 700 };

/* ---- reading ---- */

static int read_tree(struct testlog *l, struct hash *root)
{
        CLEANUP(source_freep) struct source *src = NULL;
        CLEANUP(tree_freep) struct tree *t = NULL;
        struct hash proof[PROOF_MAX];
        struct err err = { 0 };
        struct span entry;
        size_t n;
        int r;

        r = source_dir(l->fd, l->dir, &src, &err);
        if (r == 0)
                r = tree_new(src, ENTRIES, 2, &t, &err);
        if (r == 0)
                r = tree_root(t, root, &err);
        if (r == 0)
                r = tree_prove_inclusion(t, 300, proof, &n, &err);
        if (r == 0)
                r = tree_prove_consistency(t, 257, proof, &n, &err);
        if (r == 0)
                r = tree_entry(t, 600, &entry, &err);
        if (r < 0)
                assert_int_equal(err.code, r);
        return r;
}

static void trees(void **state)
{
        struct hash root, want;
        struct testlog l;
        size_t nth = 0;
        int r;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, ENTRIES);
        testlog_publish(&l, ENTRIES);
        want = testlog_root(&l, ENTRIES);
        do {
                alloc_fail_nth = ++nth;
                r = read_tree(&l, &root);
                alloc_fail_nth = 0;
                assert_true(r == 0 || r == -ENOMEM);
        } while (r != 0);
        assert_true(hash_eq(&root, &want));
        assert_true(nth > 5);
        testlog_done(&l);
}

static void count(void *ctx, const struct verify_report *r)
{
        ++*(unsigned *)ctx;
}

/* Without memory there is no judgement, of damage least of all. */
static void judgements(void **state)
{
        struct note_vkey key;
        struct testlog l;
        size_t nth = 0;
        int r;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, ENTRIES);
        testlog_publish(&l, 255); /* partial files stay */
        testlog_publish(&l, ENTRIES);
        assert_int_equal(verifier_parse(span_str(l.vkey), &key, NULL), 0);
        do {
                CLEANUP(source_freep) struct source *src = NULL;
                struct verify_result result;
                struct err err = { 0 };
                unsigned reports = 0;
                struct verify_options o = {
                        .keys = &key, .n_keys = 1, .on_report = count, .ctx = &reports
                };

                assert_int_equal(source_dir(l.fd, l.dir, &src, NULL), 0);
                o.source = src;
                alloc_fail_nth = ++nth;
                r = verify_log(&o, &result, &err);
                alloc_fail_nth = 0;
                if (r != 0 && r != -ENOMEM)
                        fail_msg("%zu: %d %s", nth, r, err.text);
                if (r == 0 && (result.verdict != VERDICT_PASS || reports > 0 ||
                               result.entries != ENTRIES || result.entries_meant != ENTRIES))
                        fail_msg("%zu: judged", nth);
        } while (r != 0);
        assert_true(nth > 7);
        testlog_done(&l);
}

/* Names enough for their table to grow. */
static int make_archive(void)
{
        struct archive *a = archive_write_new();
        FILE *f = tmpfile();
        int fd = dup(fileno(f));

        assert_int_equal(archive_write_set_format_ustar(a), ARCHIVE_OK);
        assert_int_equal(archive_write_open_fd(a, fd), ARCHIVE_OK);
        for (int i = 0; i < 3000; i++) {
                struct archive_entry *e = archive_entry_new();
                char name[32];

                snprintf(name, sizeof name, "tile/0/%d", i);
                archive_entry_set_pathname(e, i ? name : "checkpoint");
                archive_entry_set_filetype(e, AE_IFREG);
                archive_entry_set_perm(e, 0644);
                archive_entry_set_size(e, 4);
                assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
                assert_int_equal(archive_write_data(a, "note", 4), 4);
                archive_entry_free(e);
        }
        assert_int_equal(archive_write_close(a), ARCHIVE_OK);
        archive_write_free(a);
        fclose(f);
        return fd;
}

static void archives(void **state)
{
        CLEANUP_FD int fd = make_archive();
        size_t nth = 0;
        int r;

        do {
                CLEANUP(buf_done) struct buf b = BUF_INIT(16);
                struct source *s = NULL;
                struct err err = { 0 };
                int room = -1;

                assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
                assert_int_equal(source_tar_room("x", NULL, &room, NULL), 0);
                alloc_fail_nth = ++nth;
                r = source_tar(fd, "x", room, 0, &s, &err);
                if (r == 0)
                        r = s->read(s, "tile/0/2999", &b, &err);
                alloc_fail_nth = 0;
                if (r != 0 && r != -ENOMEM)
                        fail_msg("%zu: %d %s", nth, r, err.text);
                if (r == 0)
                        assert_true(span_eq_str(buf_span(&b), "note"));
                source_free(s);
        } while (r != 0);
        assert_true(nth > 8);
}

/* ---- the vault ---- */

struct lived {
        struct vault *v;
        struct buf rows;
        char id[2][ENTRY_SUBJECT_LEN + 1];
        size_t sealed, stored;
        bool erased;
};

static int see(void *ctx, struct span id, struct span disclosure)
{
        ++*(size_t *)ctx;
        return 0;
}

static int seal_and_store(struct lived *w, size_t i, struct err *err)
{
        char label[8];
        struct vault_field f = { .name = SPAN("who.user"), .value = SPAN("\"A\"") };
        struct vault_rows rows = { .index = i * TILE_WIDTH };
        struct vault_sealed out;
        int r;

        snprintf(label, sizeof label, "uid:%zu", i);
        f.subject = span_str(label);
        buf_clear(&w->rows);
        r = vault_seal(w->v, SPAN("e"), &f, 1, &out, &w->rows, err);
        if (r == 0) {
                memcpy(w->id[i], out.subject[0], sizeof w->id[i]);
                r = vault_sync(w->v, err);
        }
        if (r < 0)
                return r;
        w->sealed++;
        rows.rows = buf_span(&w->rows);
        r = vault_store(w->v, i, &rows, 1, err); /* of a whole bundle */
        if (r == 0)
                r = vault_store_sync(w->v, err);
        w->stored += r == 0;
        return r;
}

static int live(struct lived *w, int private_fd, struct err *err)
{
        size_t shown = 0, gone;
        int r = vault_open(private_fd, &io_kernel, true, &w->v, err);

        for (size_t i = 0; i < 2 && r == 0; i++)
                r = seal_and_store(w, i, err);
        if (r == 0)
                r = vault_disclose(w->v, 0, see, &shown, &gone, err);
        if (r == 0)
                r = vault_is_erased(w->v, span_str(w->id[0]), err);
        if (r == 0)
                r = erase_now(w->v, span_str(w->id[0]), err);
        w->erased = r == 0;
        if (r == 0)
                r = vault_is_erased(w->v, span_str(w->id[0]), err) == 1 ? 0 : -ENOMEM;
        return r;
}

/* What was stored is there when there is memory again, whole, and of who was erased nothing. */
static void check_kept(const struct fixture *f, struct lived *w)
{
        struct vault *v = NULL;
        bool gone = false;

        assert_int_equal(vault_open(f->private_fd, &io_kernel, true, &v, NULL), 0);
        if (w->sealed > 0)
                gone = vault_is_erased(v, span_str(w->id[0]), NULL) == 1;
        assert_true(gone || !w->erased);
        for (size_t i = 0; i < w->stored; i++) {
                size_t shown = 0, erased = 0;

                assert_int_equal(vault_disclose(v, i * TILE_WIDTH, see, &shown, &erased, NULL), 0);
                assert_int_equal(shown, i == 0 && gone ? 0 : 1);
        }
        vault_free(v);
}

static void vaults(void **state)
{
        size_t nth = 0;
        int r;

        do {
                struct lived w = { .rows = BUF_INIT(65536) };
                struct err err = { 0 };
                struct fixture f;

                fixture_new(&f);
                alloc_fail_nth = ++nth;
                r = live(&w, f.private_fd, &err);
                alloc_fail_nth = 0;
                if (r != 0 && r != -ENOMEM)
                        fail_msg("%zu: %d %s", nth, r, err.text);
                vault_free(w.v);
                check_kept(&f, &w);
                buf_done(&w.rows);
                fixture_done(&f);
        } while (r != 0);
        assert_true(nth > 15);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(trees),
                cmocka_unit_test(judgements),
                cmocka_unit_test(archives),
                cmocka_unit_test(vaults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
