/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/vault/vault.h"

#include "../erase_now.h"
#include "../faulty.h"
#include "../fixture.h"
#include "crypto/seal.h"
#include "ledger/read/tree.h"
#include "ledger/vault/vault_priv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct vault *open_vault(struct fixture *f, bool writable)
{
        struct vault *v = NULL;
        struct err err = { 0 };

        if (vault_open(f->private_fd, f->options.io, writable, &v, &err) < 0)
                print_message("%s\n", err_text(&err));
        assert_non_null(v);
        return v;
}

static struct vault_field field(const char *subject, const char *name, const char *value)
{
        return (struct vault_field){ span_str(subject), span_str(name), span_str(value) };
}

/* One field of one entry; what vault_seal() says, the rows appended. */
static struct vault_sealed seal(struct vault *v, const char *id, const char *subject,
                                const char *value, struct buf *rows)
{
        struct vault_field f = field(subject, "who.user", value);
        struct vault_sealed out;
        struct err err = { 0 };

        if (vault_seal(v, span_str(id), &f, 1, &out, rows, &err) < 0)
                print_message("%s\n", err_text(&err));
        assert_int_equal(err.code, 0);
        return out;
}

static void store(struct vault *v, uint64_t index, struct span rows)
{
        struct vault_rows r = { .index = index, .rows = rows };

        assert_int_equal(vault_store(v, index / 256, &r, 1, NULL), 0);
        assert_int_equal(vault_store_sync(v, NULL), 0);
}

/* What was disclosed, one after the other. */
struct seen {
        size_t n;
        char subject[32][ENTRY_SUBJECT_LEN + 1];
        char text[32][512]; /* decoded: ["salt","name",value] */
        char digest[32][ENTRY_DIGEST_LEN + 1];
};

/* RFC 9901 4.2.3: the digest is base64url(SHA-256(the ASCII bytes of the disclosure)). */
static int see(void *ctx, struct span id, struct span disclosure)
{
        struct seen *s = ctx;
        struct buf b = BUF_INIT(64);
        uint8_t hash[32];
        size_t n;

        assert_true(s->n < 32 && id.n == ENTRY_SUBJECT_LEN);
        memcpy(s->subject[s->n], id.p, id.n);
        assert_int_equal(text_from_base64url(disclosure, (uint8_t *)s->text[s->n], 511, &n), 0);
        s->text[s->n][n] = '\0';
        sha256(disclosure, hash);
        text_put_base64url(&b, span_of(hash, 32));
        memcpy(s->digest[s->n], b.p, ENTRY_DIGEST_LEN);
        buf_done(&b);
        s->n++;
        return 0;
}

static struct seen disclose(struct vault *v, uint64_t index, size_t *erased)
{
        struct seen s = { 0 };
        struct err err = { 0 };
        size_t none;
        int r = vault_disclose(v, index, see, &s, erased ? erased : &none, &err);

        if (r < 0)
                print_message("%s\n", err_text(&err));
        assert_int_equal(r, 0);
        return s;
}

static void sealed_and_disclosed(void **state)
{
        struct vault_field fields[] = {
                field("uid:1000", "who.user", "\"SECRETalice\""),
                field("uid:1000", "who.home", "\"/home/SECRETalice\""),
                field("mail:bob", "what.to", "{\"a\":[1,true,null]}"),
        };
        struct buf rows = BUF_INIT(65536), again = BUF_INIT(65536);
        struct vault_sealed sealed, second;
        struct fixture f;
        struct vault *v;
        struct seen s;
        size_t erased = 9;

        fixture_new(&f);
        v = open_vault(&f, true);
        assert_false(vault_sync_begin(v)); /* there is nothing to sync */
        assert_int_equal(vault_seal(v, SPAN("id-1"), fields, 3, &sealed, &rows, NULL), 0);
        assert_true(vault_sync_begin(v));
        assert_int_equal(vault_sync_end(v, vault_sync_flush(v), NULL), 0);
        assert_false(vault_sync_begin(v));
        assert_int_equal(sealed.n_digests, 3);
        assert_int_equal(sealed.n_subjects, 2);
        assert_true(strcmp(sealed.digest[0], sealed.digest[1]) < 0);
        assert_true(strcmp(sealed.digest[1], sealed.digest[2]) < 0);
        assert_true(strcmp(sealed.subject[0], sealed.subject[1]) < 0);
        store(v, 70, buf_span(&rows));
        s = disclose(v, 70, &erased);
        assert_int_equal(erased, 0);
        assert_int_equal(s.n, 3);
        for (size_t i = 0; i < 3; i++) {
                size_t found = 0;
                char want[256];

                snprintf(want, sizeof want, "\",\"%s\",%s]", (const char *)fields[i].name.p,
                         (const char *)fields[i].value.p);
                assert_int_equal(strncmp(s.text[i], "[\"", 2), 0);
                assert_int_equal(strlen(s.text[i]), 2 + 22 + strlen(want)); /* 16 bytes of salt */
                assert_string_equal(s.text[i] + 24, want);
                for (size_t k = 0; k < 3; k++)
                        found += strcmp(sealed.digest[k], s.digest[i]) == 0;
                assert_int_equal(found, 1);
        }
        assert_string_equal(s.subject[0], s.subject[1]);
        assert_string_not_equal(s.subject[0], s.subject[2]);
        /* The same again: the same salts, hence digests; another entry, name or subject: others. */
        assert_int_equal(vault_seal(v, SPAN("id-1"), fields, 3, &second, &again, NULL), 0);
        assert_memory_equal(sealed.digest, second.digest, sizeof sealed.digest[0] * 3);
        assert_int_equal(vault_seal(v, SPAN("id-2"), fields, 3, &second, &again, NULL), 0);
        for (size_t i = 0; i < 3; i++)
                for (size_t k = 0; k < 3; k++)
                        assert_string_not_equal(sealed.digest[i], second.digest[k]);
        assert_int_equal(disclose(v, 71, NULL).n, 0);
        assert_int_equal(disclose(v, 70000, NULL).n, 0);
        vault_free(v);
        v = open_vault(&f, false);
        assert_int_equal(disclose(v, 70, NULL).n, 3);
        vault_free(v);
        assert_int_equal(fixture_search(&f, SPAN("SECRET")), 0);
        assert_int_equal(fixture_search(&f, SPAN("uid:1000")), 0);
        assert_int_equal(fixture_search(&f, SPAN("mail:bob")), 0);
        buf_done(&rows);
        buf_done(&again);
        fixture_done(&f);
}

/* The salt as vault.h defines it, with OpenSSL-free HMAC written out from RFC 2104. */
static void salts(void **state)
{
        static const uint8_t message[] = "\0\4id-1\0\10who.user";
        struct buf rows = BUF_INIT(65536), inner = BUF_INIT(512), outer = BUF_INIT(512);
        struct buf want = BUF_INIT(64);
        struct vault_sealed sealed;
        struct fixture f;
        struct vault *v;
        uint8_t *slots, mac[32], k;
        struct seen s;
        size_t n;

        fixture_new(&f);
        v = open_vault(&f, true);
        sealed = seal(v, "id-1", "uid:1", "\"x\"", &rows);
        store(v, 0, buf_span(&rows));
        s = disclose(v, 0, NULL);
        assert_string_equal(s.digest[0], sealed.digest[0]);
        vault_free(v);
        slots = fixture_read(f.private_fd, "keys/subjects", &n);
        assert_true(n >= 512); /* and zeros */
        for (int i = 0; i < 64; i++) {
                k = i < 32 ? slots[256 + 24 + i] : 0;
                buf_put_byte(&inner, k ^ 0x36);
                buf_put_byte(&outer, k ^ 0x5c);
        }
        buf_put(&inner, span_of(message, sizeof message - 1));
        sha256(buf_span(&inner), mac);
        buf_put(&outer, span_of(mac, 32));
        sha256(buf_span(&outer), mac);
        text_put_base64url(&want, span_of(mac, 16));
        assert_int_equal(want.n, 22);
        assert_memory_equal(s.text[0] + 2, want.p, 22);
        free(slots);
        buf_done(&rows);
        buf_done(&inner);
        buf_done(&outer);
        buf_done(&want);
        fixture_done(&f);
}

static void labels(void **state)
{
        struct buf rows = BUF_INIT(65536), label = BUF_INIT(200);
        char id[ENTRY_SUBJECT_LEN + 1] = "untouched";
        static const char long_label[VAULT_LABEL_MAX + 2] = { 0 };
        struct vault_sealed sealed;
        struct vault_field bad;
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        v = open_vault(&f, true);
        assert_int_equal(vault_subject_of(v, SPAN("uid:7"), id, NULL), -ENOENT);
        assert_string_equal(id, "untouched");
        sealed = seal(v, "e", "uid:7", "1", &rows);
        assert_int_equal(vault_subject_of(v, SPAN("uid:7"), id, NULL), 0);
        assert_string_equal(id, sealed.subject[0]);
        assert_int_equal(vault_label_of(v, span_str(id), &label, NULL), 0);
        assert_true(span_eq_str(buf_span(&label), "uid:7"));
        assert_int_equal(vault_label_of(v, SPAN("AAAAAAAAAAAAAAAAAAAAAA"), &label, NULL), -ENOENT);
        assert_int_equal(vault_label_of(v, SPAN("no id"), &label, NULL), -EINVAL);
        assert_true(span_eq_str(buf_span(&label), "uid:7"));
        for (size_t n = 0; n <= VAULT_LABEL_MAX + 1; n += VAULT_LABEL_MAX + 1) {
                bad = (struct vault_field){ span_of(long_label, n), SPAN("a"), SPAN("1") };
                assert_int_equal(vault_seal(v, SPAN("e"), &bad, 1, &sealed, &rows, NULL), -EINVAL);
        }
        vault_free(v);
        buf_done(&rows);
        buf_done(&label);
        fixture_done(&f);
}

/* An id that begins with a dash would be an option to who types it: one in 64 did. */
static void ids_are_no_options(void **state)
{
        struct buf rows = BUF_INIT(1 << 20);
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        v = open_vault(&f, true);
        for (int i = 0; i < 600; i++) {
                char label[16];

                snprintf(label, sizeof label, "uid:%d", i);
                assert_int_not_equal(seal(v, "e", label, "1", &rows).subject[0][0], '-');
        }
        vault_free(v);
        buf_done(&rows);
        fixture_done(&f);
}

static void zero_slots_are_nobody(void **state)
{
        static const uint8_t zeros[256];
        struct fixture f;
        struct vault *v;
        int fd;

        fixture_new(&f);
        fd = openat(f.private_fd, "keys/subjects", O_WRONLY | O_APPEND);
        assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros); /* as after a crash */
        close(fd);
        v = open_vault(&f, true);
        assert_int_equal(vault_hold(v, SPAN("AAAAAAAAAAAAAAAAAAAAAA"), true, NULL), -ENOENT);
        assert_int_equal(erase_now(v, SPAN("AAAAAAAAAAAAAAAAAAAAAA"), NULL), -ENOENT);
        vault_free(v);
        fixture_done(&f);
}

static int count_rows(void *ctx, uint64_t index, size_t rows)
{
        uint64_t *last = ctx;

        assert_true(last[0] == 0 || index > last[1]);
        last[0] += rows;
        last[1] = index;
        return 0;
}

/* Which entries of the bundles below 20 have rows of a subject: how many rows, and the last. */
static void find_rows(struct vault *v, const char *id, uint64_t seen[2])
{
        uint32_t slot;

        assert_int_equal(vault_slot_of(v, span_str(id), &slot, NULL), 0);
        for (uint64_t i = 0; i < 20; i++)
                assert_int_equal(vault_bundle_indices(v, slot, i, count_rows, seen, NULL), 0);
}

static void erased(void **state)
{
        struct buf rows = BUF_INIT(65536);
        struct vault_sealed alice, bob, again;
        uint64_t seen[2] = { 0 };
        struct fixture f;
        struct vault *v;
        uint8_t *slots, key[32], *file;
        size_t n, gone;
        struct span row;
        struct buf label = BUF_INIT(200);

        fixture_new(&f);
        v = open_vault(&f, true);
        for (uint64_t i = 0; i < 5; i++) { /* entries 0, 300 .. 1200: five bundles */
                buf_clear(&rows);
                alice = seal(v, "e", "alice", "\"A\"", &rows);
                bob = seal(v, "e", "bob", "\"B\"", &rows);
                store(v, 300 * i, buf_span(&rows));
        }
        buf_clear(&rows);
        (void)seal(v, "only", "alice", "\"A\"", &rows);
        store(v, 5000, buf_span(&rows)); /* a file with nothing but alice's */
        assert_int_equal(vault_sync(v, NULL), 0);
        row = buf_span(&rows);
        slots = fixture_read(f.private_fd, "keys/subjects", &n);
        memcpy(key, slots + 256 + 24, 32);
        free(slots);
        assert_int_equal(fixture_search(&f, span_of(key, 32)), 1);
        assert_int_equal(fixture_search(&f, span_from(row, ROW_HEADER)), 1);
        find_rows(v, alice.subject[0], seen);
        assert_int_equal(seen[0], 6);
        assert_int_equal(seen[1], 5000);
        /* A legal hold stands before it. */
        assert_int_equal(vault_hold(v, span_str(alice.subject[0]), true, NULL), 0);
        assert_true(vault_is_held(v, span_str(alice.subject[0])));
        assert_int_equal(erase_now(v, span_str(alice.subject[0]), NULL), -EBUSY);
        vault_free(v);
        v = open_vault(&f, true);
        assert_int_equal(erase_now(v, span_str(alice.subject[0]), NULL), -EBUSY);
        assert_int_equal(disclose(v, 300, NULL).n, 2);
        assert_int_equal(vault_hold(v, span_str(alice.subject[0]), false, NULL), 0);
        assert_int_equal(erase_now(v, span_str(alice.subject[0]), NULL), 0);
        /* Key, label and rows are gone from every file; bob's are untouched. */
        assert_int_equal(fixture_search(&f, span_of(key, 32)), 0);
        assert_int_equal(fixture_search(&f, span_from(row, ROW_HEADER)), 0);
        assert_int_equal(faccessat(f.private_fd, "vault/019", F_OK, 0), -1);
        for (int turn = 0; turn < 2; turn++) {
                assert_int_equal(disclose(v, 300, NULL).n, 1);
                assert_string_equal(disclose(v, 300, NULL).subject[0], bob.subject[0]);
                assert_int_equal(disclose(v, 5000, NULL).n, 0);
                assert_int_equal(vault_label_of(v, span_str(alice.subject[0]), &label, NULL),
                                 -ENOENT);
                assert_int_equal(vault_hold(v, span_str(alice.subject[0]), true, NULL), -ENOENT);
                assert_int_equal(erase_now(v, span_str(alice.subject[0]), NULL), 0);
                vault_free(v);
                v = open_vault(&f, true);
        }
        /* Rows that come back from the write-ahead log are not stored again, but counted. */
        store(v, 5000, row);
        assert_int_equal(disclose(v, 5000, &gone).n, 0);
        assert_int_equal(fixture_search(&f, span_from(row, ROW_HEADER)), 0);
        /* The label, seen again, is another subject. */
        buf_clear(&rows);
        again = seal(v, "e", "alice", "\"A\"", &rows);
        assert_string_not_equal(again.subject[0], alice.subject[0]);
        assert_string_not_equal(again.digest[0], alice.digest[0]);
        vault_free(v);
        file = fixture_read(f.private_fd, "keys/subjects", &n);
        assert_true(n > 4 * 256);
        for (size_t i = 24; i < 256; i++)
                assert_int_equal(file[256 + i], 0);
        assert_int_not_equal(file[3 * 256], 0);
        for (size_t i = 4 * 256; i < n; i++)
                assert_int_equal(file[i], 0); /* written ahead */
        free(file);
        buf_done(&rows);
        buf_done(&label);
        fixture_done(&f);
}

/* A reader who keeps the last file sees all the same what the writer puts in its place. */
static void reader_beside_writer(void **state)
{
        struct buf rows = BUF_INIT(65536);
        struct vault_sealed alice, bob;
        struct vault *writer, *reader;
        struct fixture f;
        size_t gone;

        fixture_new(&f);
        writer = open_vault(&f, true);
        alice = seal(writer, "e", "alice", "\"A\"", &rows);
        bob = seal(writer, "e", "bob", "\"B\"", &rows);
        assert_int_equal(vault_sync(writer, NULL), 0);
        reader = open_vault(&f, false);
        assert_int_equal(disclose(reader, 3, NULL).n, 0);
        store(writer, 3, buf_span(&rows));
        for (int turn = 0; turn < 2; turn++) {
                assert_int_equal(disclose(reader, 3, NULL).n, 2);
                assert_int_equal(disclose(reader, 4, NULL).n, 0);
                assert_int_equal(disclose(reader, 300, NULL).n, 0);
        }
        assert_int_equal(erase_now(writer, span_str(alice.subject[0]), NULL), 0);
        assert_int_equal(disclose(reader, 3, NULL).n, 1);
        assert_string_equal(disclose(reader, 3, NULL).subject[0], bob.subject[0]);
        assert_int_equal(erase_now(writer, span_str(bob.subject[0]), NULL), 0);
        assert_int_equal(disclose(reader, 3, &gone).n, 0);
        vault_free(reader);
        vault_free(writer);
        buf_done(&rows);
        fixture_done(&f);
}

/* Bundle by bundle, cut off behind each: what vault_open() finds it finishes. */
static void erased_in_slices(void **state)
{
        enum { BUNDLES = 4 };

        for (unsigned cut = 0; cut <= BUNDLES + 1; cut++) {
                struct buf rows = BUF_INIT(65536);
                struct vault_sealed alice;
                uint64_t seen[2] = { 0 };
                struct fixture f;
                struct vault *v;
                uint32_t slot;
                bool held;

                fixture_new(&f);
                v = open_vault(&f, true);
                for (uint64_t i = 0; i < BUNDLES; i++) {
                        buf_clear(&rows);
                        alice = seal(v, "e", "alice", "\"A\"", &rows);
                        (void)seal(v, "e", "bob", "\"B\"", &rows);
                        store(v, 256 * i, buf_span(&rows));
                }
                assert_int_equal(vault_sync(v, NULL), 0);
                assert_int_equal(vault_slot_of(v, span_str(alice.subject[0]), &slot, NULL), 0);
                for (uint64_t i = 0; i < BUNDLES + 1; i++)
                        assert_int_equal(vault_bundle_indices(v, slot, i, count_rows, seen, NULL),
                                         0);
                assert_int_equal(seen[0], BUNDLES);
                assert_int_equal(seen[1], 256 * (BUNDLES - 1));
                assert_int_equal(vault_hold(v, span_str(alice.subject[0]), true, NULL), 0);
                assert_int_equal(vault_bundle_is_held(v, 1, &held, NULL), 0);
                assert_true(held);
                assert_int_equal(vault_bundle_is_held(v, BUNDLES, &held, NULL), 0);
                assert_false(held);
                assert_int_equal(vault_erase_key(v, slot, NULL), -EBUSY);
                assert_int_equal(vault_hold(v, span_str(alice.subject[0]), false, NULL), 0);
                assert_int_equal(vault_erase_key(v, slot, NULL), 0);
                for (uint64_t i = 0; i < MIN_OF(cut, (unsigned)BUNDLES); i++)
                        assert_int_equal(vault_erase_rows(v, slot, i, NULL), 0);
                if (cut > BUNDLES) {
                        assert_int_equal(vault_store_sync(v, NULL), 0);
                        assert_int_equal(vault_erase_end(v, slot, NULL), 0);
                }
                vault_free(v);
                v = open_vault(&f, true);
                for (uint64_t i = 0; i < BUNDLES; i++)
                        assert_int_equal(disclose(v, 256 * i, NULL).n, 1);
                seen[0] = 0;
                for (uint64_t i = 0; i < BUNDLES; i++)
                        assert_int_equal(vault_bundle_indices(v, slot, i, count_rows, seen, NULL),
                                         0);
                assert_int_equal(seen[0], 0);
                vault_free(v);
                buf_done(&rows);
                fixture_done(&f);
        }
}

/* Rows put but not yet in their place when their subject is erased do not come back. */
static void erased_while_waiting(void **state)
{
        struct buf rows = BUF_INIT(65536);
        struct vault_rows row = { .index = 3 };
        struct vault_sealed alice;
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        v = open_vault(&f, true);
        alice = seal(v, "e", "alice", "\"A\"", &rows);
        row.rows = buf_span(&rows);
        assert_int_equal(vault_store(v, 0, &row, 1, NULL), 0);
        assert_int_equal(erase_now(v, span_str(alice.subject[0]), NULL), 0);
        assert_int_equal(vault_store_sync(v, NULL), 0);
        assert_int_equal(fixture_search(&f, span_from(row.rows, ROW_HEADER)), 0);
        vault_free(v);
        buf_done(&rows);
        fixture_done(&f);
}

/* A crash between destroying the key and removing the rows: the next start finishes the work. */
static void erasure_cut_off(void **state)
{
        struct buf rows = BUF_INIT(65536);
        struct vault_sealed alice;
        struct faulty io;
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        for (unsigned k = 1;; k++) {
                uint64_t seen[2] = { 0 };
                char label[32];
                int r;

                faulty_init(&io);
                f.options.io = &io.io;
                v = open_vault(&f, true);
                snprintf(label, sizeof label, "alice%u", k);
                buf_clear(&rows);
                alice = seal(v, "e", label, "\"A\"", &rows);
                store(v, 300 * k, buf_span(&rows));
                assert_int_equal(vault_sync(v, NULL), 0);
                memset(io.count, 0, sizeof io.count);
                io.kind = FAULTY_UNLINK;
                io.at = k;
                io.error = -EIO;
                r = erase_now(v, span_str(alice.subject[0]), NULL);
                vault_free(v);
                v = open_vault(&f, true); /* the same k does not come again */
                vault_free(v);
                v = open_vault(&f, false);
                assert_int_equal(fixture_search(&f, span_from(buf_span(&rows), ROW_HEADER)), 0);
                find_rows(v, alice.subject[0], seen);
                assert_int_equal(seen[0], 0);
                vault_free(v);
                if (r == 0)
                        break;
                assert_true(io.struck);
        }
        buf_done(&rows);
        fixture_done(&f);
}

/* A failed sync is never asked for again, and nothing is sealed on top of it. */
static void failed_sync(void **state)
{
        struct buf rows = BUF_INIT(65536);
        struct vault_field one = field("uid:1", "a", "1");
        struct vault_sealed sealed;
        struct faulty io;
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        faulty_init(&io);
        io.kind = FAULTY_FDATASYNC;
        io.at = 1;
        io.error = -EIO;
        f.options.io = &io.io;
        v = open_vault(&f, true);
        (void)seal(v, "e", "uid:1", "1", &rows);
        assert_int_equal(vault_sync(v, NULL), -EIO);
        assert_int_equal(vault_sync(v, NULL), -EIO);
        assert_int_equal(vault_seal(v, SPAN("e"), &one, 1, &sealed, &rows, NULL), -EIO);
        vault_free(v);
        buf_done(&rows);
        fixture_done(&f);
}

/* More subjects than are kept ready, twice round; each keeps its id. */
static void many_subjects(void **state)
{
        enum { N = 3000 }; /* more than are kept ready */
        static char id[N][ENTRY_SUBJECT_LEN + 1];
        struct buf rows = BUF_INIT(1 << 20);
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        v = open_vault(&f, true);
        for (int turn = 0; turn < 3; turn++) {
                for (int i = 0; i < N; i++) {
                        struct vault_sealed s;
                        char label[32], again[ENTRY_SUBJECT_LEN + 1];

                        buf_clear(&rows);
                        snprintf(label, sizeof label, "uid:%d", turn % 2 ? N - 1 - i : i);
                        s = seal(v, "e", label, "1", &rows);
                        if (turn == 0)
                                memcpy(id[i], s.subject[0], sizeof id[i]);
                        assert_string_equal(s.subject[0], id[turn % 2 ? N - 1 - i : i]);
                        assert_int_equal(vault_subject_of(v, span_str(label), again, NULL), 0);
                        assert_string_equal(again, s.subject[0]);
                        if (turn == 0)
                                store(v, (uint64_t)i * 3, buf_span(&rows));
                }
                assert_int_equal(vault_sync(v, NULL), 0);
                if (turn == 1) {
                        vault_free(v);
                        v = open_vault(&f, true);
                }
        }
        vault_free(v);
        buf_done(&rows);
        fixture_done(&f);
}

static size_t bytes_read;

static ssize_t counting_pread(void *ctx, int fd, void *p, size_t n, off_t at)
{
        ssize_t got = io_kernel.pread(NULL, fd, p, n, at);

        bytes_read += got > 0 ? (size_t)got : 0;
        return got;
}

/* Who judges a ledger asks about everybody in it: keys/subjects is read once, not once for each.
 * And those who come, or are erased, while it asks are seen. */
static void asked_about_everybody(void **state)
{
        enum { N = 3000 };
        static char id[2 * N][ENTRY_SUBJECT_LEN + 1];
        struct buf rows = BUF_INIT(1 << 20);
        struct vault *writer, *reader = NULL;
        struct io counting = io_kernel;
        struct fixture f;

        counting.pread = counting_pread;
        fixture_new(&f);
        writer = open_vault(&f, true);
        for (int i = 0; i < 2 * N; i++) {
                char label[32];

                if (i == N) {
                        assert_int_equal(vault_sync(writer, NULL), 0);
                        assert_int_equal(vault_open(f.private_fd, &counting, false, &reader, NULL),
                                         0);
                }
                snprintf(label, sizeof label, "uid:%d", i);
                buf_clear(&rows);
                memcpy(id[i], seal(writer, "e", label, "1", &rows).subject[0], sizeof id[i]);
        }
        assert_int_equal(vault_sync(writer, NULL), 0);
        assert_int_equal(vault_is_erased(reader, span_str(id[0]), NULL), 0);
        for (int i = 0; i < 2 * N; i += 3)
                assert_int_equal(erase_now(writer, span_str(id[i]), NULL), 0);

        bytes_read = 0;
        for (int i = 0; i < 2 * N; i++)
                if (vault_is_erased(reader, span_str(id[i]), NULL) != (i % 3 == 0))
                        fail_msg("subject %d", i);
        /* Each slot at most twice, of another 8,192 written ahead, and one by itself. */
        assert_true(bytes_read <= (3 * 2 * N + 2 * 8192) * 256);
        assert_int_equal(vault_is_erased(reader, SPAN("AAAAAAAAAAAAAAAAAAAAAA"), NULL), 0);
        assert_int_equal(vault_is_erased(reader, SPAN("no id"), NULL), 0);
        assert_int_equal(vault_is_erased(reader, SPAN_NONE, NULL), 0);
        vault_free(reader);
        vault_free(writer);
        buf_done(&rows);
        fixture_done(&f);
}

/* A disk that is full for a moment, at any write: none of those that were sealed is gone after. */
static void no_room_at_any_write(void **state)
{
        enum { N = 40 };
        char id[N][ENTRY_SUBJECT_LEN + 1], again[ENTRY_SUBJECT_LEN + 1], label[16];
        struct buf rows = BUF_INIT(1 << 20);

        for (unsigned at = 1; at <= 2 * N; at++) {
                struct faulty faulty;
                struct fixture f;
                struct vault *v;

                fixture_new(&f);
                faulty_init(&faulty);
                faulty.error = -ENOSPC;
                faulty.kind = FAULTY_PWRITE;
                faulty.at = at / 2 + 1;
                faulty.half = at % 2;
                assert_int_equal(vault_open(f.private_fd, &faulty.io, true, &v, NULL), 0);
                for (int i = 0; i < N; i++) {
                        struct vault_field field;
                        struct vault_sealed sealed;
                        int r;

                        snprintf(label, sizeof label, "uid:%d", i);
                        field = (struct vault_field){ span_str(label), SPAN("who.user"),
                                                      SPAN("1") };
                        buf_clear(&rows);
                        r = vault_seal(v, SPAN("e"), &field, 1, &sealed, &rows, NULL);
                        if (r == -ENOSPC)
                                r = vault_seal(v, SPAN("e"), &field, 1, &sealed, &rows, NULL);
                        assert_int_equal(r, 0);
                        memcpy(id[i], sealed.subject[0], sizeof id[i]);
                }
                assert_int_equal(vault_sync(v, NULL), 0);
                vault_free(v);
                v = open_vault(&f, false);
                for (int i = 0; i < N; i++) {
                        snprintf(label, sizeof label, "uid:%d", i);
                        assert_int_equal(vault_subject_of(v, span_str(label), again, NULL), 0);
                        assert_string_equal(again, id[i]);
                }
                vault_free(v);
                fixture_done(&f);
        }
        buf_done(&rows);
}

/* Those that are known are sealed on, new ones are not, and an erased one keeps its place. */
static void a_ceiling(void **state)
{
        struct vault_field fields[] = { field("uid:1", "who.user", "1"),
                                        field("uid:9", "who.name", "2") };
        struct buf rows = BUF_INIT(1 << 20);
        struct vault_sealed sealed;
        char id[ENTRY_SUBJECT_LEN + 1];
        struct err err = { 0 };
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        v = open_vault(&f, true);
        vault_limit(v, 2);
        (void)seal(v, "e", "uid:1", "1", &rows);
        (void)seal(v, "e", "uid:2", "1", &rows);
        assert_int_equal(vault_subjects(v), 2);
        for (int turn = 0; turn < 2; turn++) {
                buf_clear(&rows);
                assert_int_equal(vault_seal(v, SPAN("e"), fields, 2, &sealed, &rows, &err), -EBUSY);
                assert_string_equal(err.text, "the vault knows 2 subjects: no more may be new");
                assert_int_equal(rows.n, 0);
                (void)seal(v, "e", "uid:2", "1", &rows);
                if (turn == 0) {
                        assert_int_equal(vault_subject_of(v, SPAN("uid:1"), id, NULL), 0);
                        assert_int_equal(erase_now(v, span_str(id), NULL), 0);
                }
                fields[0] = field("uid:2", "who.user", "1");
        }
        vault_free(v);
        v = open_vault(&f, true);
        assert_int_equal(vault_subjects(v), 2);
        vault_limit(v, 3);
        assert_int_equal(vault_seal(v, SPAN("e"), fields, 2, &sealed, &rows, &err), 0);
        vault_free(v);
        buf_done(&rows);
        fixture_done(&f);
}

static void damaged(void **state)
{
        struct buf rows = BUF_INIT(65536);
        struct fixture f;
        struct vault *v = NULL;
        struct err err = { 0 };
        struct seen s = { 0 };
        uint8_t *slots, *file;
        char words[40];
        size_t n, m;

        fixture_new(&f);
        v = open_vault(&f, true);
        (void)seal(v, "e", "uid:1", "1", &rows);
        store(v, 3, buf_span(&rows));
        vault_free(v);
        v = NULL;
        slots = fixture_read(f.private_fd, "keys/subjects", &n);
        for (size_t i = 0; i < n; i++) {
                if (i >= 8 && i < 256)
                        continue; /* the header's reserve */
                slots[i] ^= 0x01;
                fixture_write(f.private_fd, "keys/subjects", span_of(slots, n));
                assert_int_equal(vault_open(f.private_fd, &io_kernel, true, &v, &err), -EBADMSG);
                snprintf(words, sizeof words, "slot %zu is damaged", i / 256);
                assert_non_null(strstr(err.text, i < 256 ? "not a table" : words));
                slots[i] ^= 0x01;
        }
        fixture_write(f.private_fd, "keys/subjects", span_of(slots, n - 56)); /* cut short */
        assert_int_equal(vault_open(f.private_fd, &io_kernel, true, &v, &err), 0);
        vault_free(v);
        fixture_write(f.private_fd, "keys/subjects", span_of(slots, 512 - 56));
        assert_int_equal(vault_open(f.private_fd, &io_kernel, true, &v, &err), 0);
        assert_int_equal(vault_subjects(v), 0);
        vault_free(v);
        fixture_write(f.private_fd, "keys/subjects", span_of(slots, n));
        v = open_vault(&f, true);
        file = fixture_read(f.private_fd, "vault/000", &m);
        for (size_t i = 0; i < m; i++) {
                file[i] ^= 0x10;
                fixture_write(f.private_fd, "vault/000", span_of(file, m));
                err.code = 0;
                assert_int_equal(vault_disclose(v, 3, see, &s, NULL, &err), -EBADMSG);
                assert_non_null(strstr(err.text, "vault/000"));
                file[i] ^= 0x10;
        }
        for (size_t i = 0; i < m; i++) {
                fixture_write(f.private_fd, "vault/000", span_of(file, i));
                assert_int_equal(vault_disclose(v, 3, see, &s, NULL, &err), -EBADMSG);
        }
        assert_int_equal(s.n, 0);
        vault_free(v);
        free(slots);
        free(file);
        buf_done(&rows);
        fixture_done(&f);
}

/* A wrong key of the lookup tags would find nobody, and give everybody a second id. */
static void damaged_key(void **state)
{
        enum { KEY = 32 };
        struct buf rows = BUF_INIT(65536);
        char first[ENTRY_SUBJECT_LEN + 1], id[ENTRY_SUBJECT_LEN + 1];
        struct vault *v = NULL;
        struct fixture f;
        uint8_t *key;
        size_t n;

        fixture_new(&f);
        key = fixture_read(f.private_fd, "keys/vault", &n);
        assert_int_equal(n, KEY);
        v = open_vault(&f, true);
        for (int subjects = 0; subjects < 4; subjects++) {
                /* none; one; two, the first erased; three, the first erased, the second held */
                if (subjects == 1)
                        memcpy(first, seal(v, "e", "uid:1", "1", &rows).subject[0], sizeof first);
                else if (subjects == 2)
                        memcpy(id, seal(v, "e", "uid:2", "1", &rows).subject[0], sizeof id);
                else if (subjects == 3)
                        (void)seal(v, "e", "uid:3", "1", &rows);
                if (subjects == 2)
                        assert_int_equal(erase_now(v, span_str(first), NULL), 0);
                if (subjects == 3)
                        assert_int_equal(vault_hold(v, span_str(id), true, NULL), 0);
                assert_int_equal(vault_sync(v, NULL), 0);
                v = vault_free(v);
                for (size_t i = 0; i < KEY && subjects > 0; i++) {
                        for (int writable = 0; writable < 2; writable++) {
                                struct err err = { 0 };

                                key[i] ^= 0x40;
                                fixture_write(f.private_fd, "keys/vault", span_of(key, n));
                                assert_int_equal(
                                        vault_open(f.private_fd, &io_kernel, writable, &v, &err),
                                        -EBADMSG);
                                assert_memory_equal(err.text, "keys/vault: ", 12);
                                assert_null(v);
                                key[i] ^= 0x40;
                        }
                }
                fixture_write(f.private_fd, "keys/vault", span_of(key, n));
                v = open_vault(&f, true);
        }
        assert_int_equal(vault_subject_of(v, SPAN("uid:2"), first, NULL), 0);
        assert_string_equal(first, id);
        vault_free(v);
        free(key);
        buf_done(&rows);
        fixture_done(&f);
}

/* Of one who was erased no name is left that a key could be held against. */
static void key_of_nobody(void **state)
{
        struct buf rows = BUF_INIT(65536);
        struct vault_sealed s;
        struct fixture f;
        struct vault *v;

        fixture_new(&f);
        v = open_vault(&f, true);
        s = seal(v, "e", "uid:1", "1", &rows);
        assert_int_equal(erase_now(v, span_str(s.subject[0]), NULL), 0);
        vault_free(v);
        fixture_write(f.private_fd, "keys/vault", SPAN("another key of thirty-two bytes."));
        vault_free(open_vault(&f, true));
        buf_done(&rows);
        fixture_done(&f);
}

static void node(const struct hash *a, const struct hash *b, struct hash *out)
{
        sha256_node(a->b, b->b, out->b);
}

/* Inclusion of entry i under the published checkpoint, checked. */
static void prove(struct fixture *f, uint64_t i)
{
        CLEANUP(source_freep) struct source *source = NULL;
        CLEANUP(tree_freep) struct tree *tree = NULL;
        uint64_t size = fixture_checkpoint_size(f);
        struct hash proof[PROOF_MAX], root = testlog_root(&f->model, size), leaf;
        struct span entry;
        size_t n;

        assert_int_equal(source_dir(f->public_fd, "log", &source, NULL), 0);
        assert_int_equal(tree_new(source, size, 16, &tree, NULL), 0);
        assert_int_equal(tree_entry(tree, i, &entry, NULL), 0);
        sha256_leaf(entry, leaf.b);
        assert_int_equal(tree_prove_inclusion(tree, i, proof, &n, NULL), 0);
        assert_int_equal(proof_check_inclusion(i, size, &leaf, proof, n, &root, node, NULL), 0);
}

/* Appended, published, proved, disclosed, erased, verified again. */
static void the_whole_way(void **state)
{
        struct vault_field secret = field("uid:1000", "who.user", "\"SECRETalice\"");
        struct buf rows = BUF_INIT(65536), entry = BUF_INIT(65536);
        struct vault_sealed sealed;
        struct publisher *p;
        struct fixture f;
        struct ledger *l;
        struct vault *v;
        struct seen s;
        uint64_t index;
        struct hash before, after;
        bool held;

        fixture_new(&f);
        v = open_vault(&f, true);
        l = fixture_open(&f);
        p = fixture_publisher(&f, v, false);
        fixture_append(&f, l, 5, 80, 2);
        assert_int_equal(vault_seal(v, SPAN("entry-5"), &secret, 1, &sealed, &rows, NULL), 0);
        buf_printf(&entry, "{\"_sd\":[\"%s\"],\"_subj\":[\"%s\"],\"id\":\"entry-5\"}",
                   sealed.digest[0], sealed.subject[0]);
        assert_int_equal(ledger_stage(l, buf_span(&entry), buf_span(&rows),
                                      (struct ledger_writer_id){ 0 }, &index, NULL),
                         0);
        testlog_add(&f.model, buf_span(&entry));
        assert_int_equal(vault_sync(v, NULL), 0);
        assert_int_equal(ledger_commit(l, NULL), 0);
        fixture_append(&f, l, 400, 80, 9);
        fixture_publish(p, l);
        prove(&f, index);
        s = disclose(v, index, NULL);
        assert_int_equal(s.n, 1);
        assert_string_equal(s.digest[0], sealed.digest[0]); /* the one in the leaf */
        assert_non_null(strstr(s.text[0], "SECRETalice"));
        ledger_root(l, &before);
        assert_int_equal(fixture_search(&f, SPAN("SECRET")), 0);
        assert_int_equal(vault_hold(v, span_str(sealed.subject[0]), true, NULL), 0);
        assert_int_equal(vault_held_below(v, 256, &held, NULL), 0);
        assert_true(held);
        assert_int_equal(vault_held_below(v, 0, &held, NULL), 0);
        assert_false(held);
        assert_int_equal(vault_hold(v, span_str(sealed.subject[0]), false, NULL), 0);
        assert_int_equal(vault_held_below(v, 256, &held, NULL), 0);
        assert_false(held);
        assert_int_equal(erase_now(v, span_str(sealed.subject[0]), NULL), 0);
        prove(&f, index);
        fixture_check_tree(&f, f.model.size);
        assert_int_equal(disclose(v, index, NULL).n, 0);
        publisher_free(p);
        vault_free(v);
        ledger_free(l);
        /* The sealed row is still in the write-ahead log, and is not stored again from there. */
        l = fixture_open(&f);
        v = open_vault(&f, true);
        p = fixture_publisher(&f, v, true);
        ledger_root(l, &after);
        assert_true(hash_eq(&before, &after));
        assert_int_equal(disclose(v, index, NULL).n, 0);
        prove(&f, index);
        publisher_free(p);
        vault_free(v);
        ledger_free(l);
        buf_done(&rows);
        buf_done(&entry);
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sealed_and_disclosed),
                cmocka_unit_test(ids_are_no_options),
                cmocka_unit_test(salts),
                cmocka_unit_test(labels),
                cmocka_unit_test(zero_slots_are_nobody),
                cmocka_unit_test(erased),
                cmocka_unit_test(reader_beside_writer),
                cmocka_unit_test(erased_in_slices),
                cmocka_unit_test(erased_while_waiting),
                cmocka_unit_test(erasure_cut_off),
                cmocka_unit_test(failed_sync),
                cmocka_unit_test(many_subjects),
                cmocka_unit_test(asked_about_everybody),
                cmocka_unit_test(no_room_at_any_write),
                cmocka_unit_test(a_ceiling),
                cmocka_unit_test(damaged),
                cmocka_unit_test(damaged_key),
                cmocka_unit_test(key_of_nobody),
                cmocka_unit_test(the_whole_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
