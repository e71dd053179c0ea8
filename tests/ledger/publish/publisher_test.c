/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/publish/publisher.h"

#include "../faulty.h"
#include "../fixture.h"
#include "ledger/upkeep/upkeep.h"
#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"
#include "sys/crc32c.h"
#include "wire/tile.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int try_publisher(struct fixture *f, bool rebuild, struct err *err)
{
        struct publisher_options o = { .io = &io_kernel, .rebuild = rebuild };
        struct publisher *p = NULL;
        int r = publisher_open(f->public_fd, f->private_fd, &o, &p, err);

        assert_true((r == 0) == (p != NULL));
        publisher_free(p);
        return r;
}

/* A ledger of n entries, all in the write-ahead log, published in steps. */
static void published(struct fixture *f, uint64_t n, uint64_t step)
{
        struct publisher *p;
        struct ledger *l;

        fixture_new(f);
        l = fixture_open(f);
        p = fixture_publisher(f, NULL, false);
        while (f->model.size < n) {
                fixture_append(f, l, MIN_OF(step, n - f->model.size), 50, 50);
                fixture_publish(p, l);
        }
        publisher_free(p);
        ledger_free(l);
}

/* Sizes around the edges of tiles, published one after the other. */
static void trees(void **state)
{
        static const uint64_t size[] = { 1,   2,   255, 256,  257,  511, 512,
                                         513, 700, 768, 1000, 1024, 3000 };
        struct publisher *p;
        struct fixture f;
        struct ledger *l;

        fixture_new(&f);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        assert_int_equal(fixture_checkpoint_size(&f), 0);
        for (size_t i = 0; i < ARRAY_LEN(size); i++) {
                fixture_append(&f, l, size[i] - f.model.size, 40, 17);
                fixture_publish(p, l);
                fixture_publish(p, l); /* nothing to do */
                assert_int_equal(publisher_size(p), size[i]);
                assert_int_equal(publisher_covered(p), size[i] / 256 * 256);
                assert_int_equal(fixture_checkpoint_size(&f), size[i]);
                fixture_check_tree(&f, size[i]);
                if (i % 2) {
                        publisher_free(p);
                        p = fixture_publisher(&f, NULL, i % 4 == 1);
                }
        }
        publisher_free(p);
        ledger_free(l);
        fixture_done(&f);
}

/* Level 2 and its edge, in one go. */
static void large_tree(void **state)
{
        struct fixture f;

        published(&f, 66000, 66000);
        fixture_check_tree(&f, 66000);
        assert_int_equal(faccessat(f.public_fd, "tile/2/000.p/1", F_OK, 0), 0);
        assert_int_equal(faccessat(f.public_fd, "tile/1/001.p/1", F_OK, 0), 0);
        assert_int_equal(faccessat(f.public_fd, "tile/3", F_OK, 0), -1);
        fixture_done(&f);
}

/* The partial files of a full tile become the next files; what somebody reads of them stays. */
static void partial_files_again(void **state)
{
        struct publisher *p;
        struct stat was, now;
        struct fixture f;
        struct ledger *l;
        char byte;
        int fd;

        fixture_new(&f);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        for (int i = 0; i < 3; i++) {
                fixture_append(&f, l, 60, 40, 20);
                fixture_publish(p, l);
        }
        assert_int_equal(fstatat(f.public_fd, "tile/0/000.p/120", &was, 0), 0);
        fd = openat(f.public_fd, "tile/entries/000.p/60", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        fixture_append(&f, l, 120, 40, 20);
        fixture_publish(p, l); /* 300 entries: the partial files have gone */
        assert_int_equal(faccessat(f.public_fd, "tile/0/000.p", F_OK, 0), -1);
        fixture_append(&f, l, 20, 40, 20);
        fixture_publish(p, l);
        fixture_append(&f, l, 20, 40, 20);
        fixture_publish(p, l);
        fixture_check_tree(&f, 340);
        for (int i = 0; i < 6; i++) {
                static const char *const made[] = { "tile/0/001.p/64",       "tile/0/001.p/84",
                                                    "tile/entries/001.p/64", "tile/1/000.p/1",
                                                    "tile/entries/001.p/84", "tile/entries/000" };

                assert_int_equal(fstatat(f.public_fd, made[i], &now, 0), 0);
                if (now.st_ino == was.st_ino)
                        break;
                assert_int_not_equal(i, 5);
        }
        assert_int_equal(pread(fd, &byte, 1, 1), 1); /* entry 0's length */
        assert_true(byte >= 40);
        close(fd);
        publisher_free(p);
        ledger_free(l);
        fixture_done(&f);
}

static bool there(struct fixture *f, const char *path)
{
        return faccessat(f->public_fd, path, F_OK, 0) == 0;
}

/* A large backlog is published in rounds, each signed at the end of a batch: what comes later may
 * fail.  With several files synced at a time, as the recorder does. */
static void rounds(void **state)
{
        struct publisher_options o = { 0 };
        struct ledger_position at;
        struct publisher *p = NULL;
        struct fixture f;
        struct faulty io;
        struct ledger *l;
        struct err err = { 0 };

        fixture_new(&f);
        assert_int_equal(syncer_new(3, &o.syncer, NULL), 0);
        faulty_init(&io);
        o.io = &io.io;
        l = fixture_open(&f);
        assert_int_equal(publisher_open(f.public_fd, f.private_fd, &o, &p, NULL), 0);
        fixture_append(&f, l, 70000, 40, 1000);
        ledger_position(l, &at);
        io.kind = FAULTY_RENAME;
        io.at = io.count[FAULTY_RENAME] + 300; /* of 264 files a round */
        io.error = -EIO;
        assert_int_equal(publisher_run(p, &at, &err), -EIO);
        publisher_free(p);
        assert_int_equal(fixture_checkpoint_size(&f), 33000); /* 32768, and the batch to its end */
        assert_int_equal(publisher_open(f.public_fd, f.private_fd, &o, &p, &err), 0);
        assert_int_equal(publisher_size(p), 33000);
        fixture_publish(p, l);
        assert_int_equal(publisher_size(p), 70000);
        fixture_check_tree(&f, 70000);
        assert_int_equal(fixture_checkpoint_size(&f), 70000);
        publisher_free(p);
        syncer_free(o.syncer);
        ledger_free(l);
        fixture_done(&f);
}

/* Partial forms go when the tile is full and signed, also those that a life before has left. */
static void partials_go(void **state)
{
        static const struct {
                uint64_t size;
                const char *gone, *there;
        } rows[] = {
                { 100, "tile/0/000", "tile/0/000.p/100" },
                { 256, "tile/0/000.p", "tile/1/000.p/1" },
                { 300, "tile/entries/000.p", "tile/entries/001.p/44" },
                { 900, "tile/0/001.p", "tile/0/003.p/132" },
                { 1024, "tile/entries/003.p", "tile/entries/003" },
        };
        struct publisher *p;
        struct fixture f;
        struct ledger *l;

        for (int crash = 0; crash < 2; crash++) {
                fixture_new(&f);
                l = fixture_open(&f);
                p = fixture_publisher(&f, NULL, false);
                for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                        fixture_append(&f, l, rows[i].size - f.model.size, 40, 17);
                        fixture_publish(p, l);
                        if (crash) { /* behind the signature, before they went */
                                publisher_free(p);
                                TESTLOG_REQUIRE(mkdirat(f.public_fd, "tile/0/000.p", 0755) == 0 ||
                                                errno == EEXIST);
                                p = fixture_publisher(&f, NULL, false);
                        }
                        assert_false(there(&f, rows[i].gone));
                        assert_true(there(&f, rows[i].there));
                }
                publisher_free(p);
                ledger_free(l);
                fixture_done(&f);
        }
}

/* Killed with the write of a partial form begun; by the time it lives again the tile is full.  The
 * file that was begun once stayed for ever. */
static void begun_partials_go(void **state)
{
        static const char *const begun[] = { "tile/entries/001.p", "tile/0/001.p" };
        struct publisher *p;
        struct fixture f;
        struct ledger *l;
        int fd;

        (void)state;
        fixture_new(&f);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        fixture_append(&f, l, 100, 40, 17);
        fixture_publish(p, l);
        publisher_free(p);
        for (size_t i = 0; i < ARRAY_LEN(begun); i++) {
                char path[64];

                assert_int_equal(mkdirat(f.public_fd, begun[i], 0755), 0);
                snprintf(path, sizeof path, "%s/44.tmp", begun[i]);
                fd = openat(f.public_fd, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
                assert_true(fd >= 0);
                close(fd);
        }
        fixture_append(&f, l, 600 - 100, 40, 17);
        p = fixture_publisher(&f, NULL, false);
        fixture_publish(p, l);
        for (size_t i = 0; i < ARRAY_LEN(begun); i++)
                assert_false(there(&f, begun[i]));
        fixture_check_tree(&f, 600);
        publisher_free(p);
        ledger_free(l);
        fixture_done(&f);
}

/* Every file of the tree, one at a time and random sets: all is in the write-ahead log still. */
static void files_made_again(void **state)
{
        static const char *const path[] = {
                "tile/0/000",       "tile/0/001",       "tile/0/002.p/188",       "tile/1/000.p/2",
                "tile/entries/000", "tile/entries/001", "tile/entries/002.p/188", "checkpoint",
        };
        struct fixture f;
        uint64_t rnd = 5;

        published(&f, 700, 700);
        for (unsigned set = 1; set < 1u << ARRAY_LEN(path); set++) {
                bool one = (set & (set - 1)) == 0;

                if (!one && fixture_random(&rnd) % 8)
                        continue;
                for (size_t i = 0; i < ARRAY_LEN(path); i++)
                        if (set >> i & 1)
                                assert_int_equal(unlinkat(f.public_fd, path[i], 0), 0);
                assert_int_equal(try_publisher(&f, false, NULL), 0);
                fixture_check_tree(&f, 700);
                assert_int_equal(fixture_checkpoint_size(&f), 700);
        }
        fixture_remove(f.public_fd, "tile");
        assert_int_equal(try_publisher(&f, false, NULL), 0);
        fixture_check_tree(&f, 700);
        fixture_done(&f);
}

/* A ledger of 1,600 entries, of whose write-ahead log the beginning is gone. */
static void published_long_ago(struct fixture *f)
{
        struct publisher *p;
        struct ledger *l;
        size_t n_segments;
        uint64_t *numbers;
        int wal;

        fixture_new(f);
        l = fixture_open(f);
        p = fixture_publisher(f, NULL, false);
        for (int i = 0; i < 16; i++) {
                fixture_append(f, l, 100, 4000, 10);
                fixture_publish(p, l);
                ledger_tend(l);
        }
        publisher_free(p);
        ledger_free(l);
        wal = openat(f->private_fd, "wal", O_RDONLY | O_DIRECTORY);
        assert_int_equal(segment_list(&io_kernel, wal, false, &numbers, &n_segments, NULL), 0);
        assert_true(numbers[0] > 3); /* the first segments are used again */
        free(numbers);
        close(wal);
}

static void flip_byte(struct fixture *f, const char *path, size_t at)
{
        size_t n;
        uint8_t *bytes = fixture_read(f->public_fd, path, &n);

        bytes[at] ^= 1;
        fixture_write(f->public_fd, path, span_of(bytes, n));
        free(bytes);
}

/* Ranges whose part of the write-ahead log is gone: tiles from the bundles. */
static void old_tiles_made_again(void **state)
{
        static const char *const path[] = { "tile/0/000", "tile/0/001", "tile/0/002",
                                            "tile/1/000.p/6" };
        struct fixture f;
        struct err err = { 0 };

        published_long_ago(&f);
        for (size_t i = 0; i < ARRAY_LEN(path); i++) {
                assert_int_equal(unlinkat(f.public_fd, path[i], 0), 0);
                assert_int_equal(try_publisher(&f, true, &err), 0);
                fixture_check_tree(&f, f.model.size);
        }
        fixture_remove(f.public_fd, "tile/0");
        fixture_remove(f.public_fd, "tile/1");
        assert_int_equal(try_publisher(&f, true, &err), 0);
        fixture_check_tree(&f, f.model.size);
        /* A bundle that is not what was signed gives no tile a place, not even one before it. */
        assert_int_equal(unlinkat(f.public_fd, "tile/0/000", 0), 0);
        assert_int_equal(unlinkat(f.public_fd, "tile/0/001", 0), 0);
        flip_byte(&f, "tile/entries/001", 100);
        assert_int_equal(try_publisher(&f, true, &err), -EBADMSG);
        assert_false(there(&f, "tile/0/000"));
        assert_false(there(&f, "tile/0/001"));
        flip_byte(&f, "tile/entries/001", 100);
        assert_int_equal(try_publisher(&f, true, &err), 0);
        fixture_check_tree(&f, f.model.size);
        fixture_done(&f);
}

/* What was pruned away is known by its hash in a tile of level 1 and does not come back. */
static void pruned_tiles_made_again(void **state)
{
        static const char *const path[] = { "tile/0/003", "tile/0/005", "tile/1/000.p/6" };
        struct fixture f;
        struct err err = { 0 };
        struct ledger *l;

        published_long_ago(&f);
        assert_int_equal(prune_below(f.public_fd, f.private_fd, &io_kernel, 768, NULL), 0);
        assert_true(there(&f, "tile/0/002"));
        assert_int_equal(unlinkat(f.public_fd, "tile/0/002", 0), 0);
        assert_int_equal(try_publisher(&f, true, &err), 0);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(unlinkat(f.public_fd, path[i], 0), 0);
                assert_int_equal(try_publisher(&f, true, &err), 0);
                assert_true(there(&f, path[i]));
        }
        assert_false(there(&f, "tile/0/002"));
        assert_false(there(&f, "tile/entries/002"));
        l = fixture_open(&f);
        fixture_check(&f, l);
        ledger_free(l);
        assert_int_equal(unlinkat(f.public_fd, path[2], 0), 0);
        assert_int_equal(try_publisher(&f, true, &err), -ENODATA);
        assert_non_null(strstr(err.text, "tile/1/000"));
        fixture_done(&f);
}

/* A file that a ledger lacks is named, and is not taken for "there is no ledger". */
static void missing_files(void **state)
{
        static const struct {
                const char *dir, *path; /* below "log" or "log.private" */
                int writer, publisher;  /* what opening says */
        } rows[] = {
                { "log", "tile/0", -ENODATA, 0 },
                { "log", "tile/1", -ENODATA, 0 },
                { "log", "tile/entries/001", 0, 0 }, /* nobody asks for it, */
                { "log", "tile/entries", 0, 0 },     /* but for those of the WAL */
                { "log.private", "keys/log", -ENODATA, -ENODATA },
                { "log.private", "wal", -ENODATA, -ENODATA },
                { "log.private", "signed", -ENOENT, -ENOENT },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 }, second = { 0 };
                struct ledger *l = NULL;
                struct fixture f;
                char path[64];

                published_long_ago(&f);
                snprintf(path, sizeof path, "%s/%s", rows[i].dir, rows[i].path);
                if (unlinkat(f.root_fd, path, 0) < 0)
                        fixture_remove(f.root_fd, path);
                assert_int_equal(ledger_open(f.public_fd, f.private_fd, &f.options, &l, &err),
                                 rows[i].writer);
                ledger_free(l);
                assert_int_equal(try_publisher(&f, false, &second), rows[i].publisher);
                if (rows[i].writer == -ENODATA) {
                        assert_int_equal(err.code, -ENODATA);
                        assert_non_null(strstr(err.text, rows[i].path));
                }
                if (rows[i].publisher == -ENODATA) {
                        assert_int_equal(second.code, -ENODATA);
                        assert_non_null(strstr(second.text, rows[i].path));
                }
                fixture_done(&f);
        }
}

/* Neither the bundle nor the entries in the write-ahead log. */
static void lost_bundle(void **state)
{
        struct fixture f;
        struct err err = { 0 };

        published_long_ago(&f);
        assert_int_equal(unlinkat(f.public_fd, "tile/entries/001", 0), 0);
        assert_int_equal(unlinkat(f.public_fd, "tile/0/000", 0), 0);
        assert_int_equal(try_publisher(&f, true, &err), -ENODATA);
        assert_non_null(strstr(err.text, "tile/entries/001"));
        assert_false(there(&f, "tile/0/000"));
        fixture_done(&f);
}

/* Sealed rows in the write-ahead log and no vault to put them in. */
static void lost_vault(void **state)
{
        struct vault_field field = { SPAN("uid:1"), SPAN("a"), SPAN("1") };
        struct buf rows = BUF_INIT(1000), entry = BUF_INIT(1000);
        struct ledger_position at;
        struct vault_sealed sealed;
        struct vault *v = NULL;
        struct err err = { 0 };
        struct publisher *p;
        struct fixture f;
        struct ledger *l;
        uint64_t index;

        fixture_new(&f);
        assert_int_equal(vault_open(f.private_fd, &io_kernel, true, &v, NULL), 0);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        fixture_entry(&entry, 0, 50);
        assert_int_equal(vault_seal(v, buf_span(&entry), &field, 1, &sealed, &rows, NULL), 0);
        assert_int_equal(ledger_stage(l, buf_span(&entry), buf_span(&rows),
                                      (struct ledger_writer_id){ 0 }, &index, NULL),
                         0);
        assert_int_equal(ledger_commit(l, NULL), 0);
        ledger_position(l, &at);
        assert_int_equal(publisher_run(p, &at, &err), -ENODATA);
        assert_non_null(strstr(err.text, "keys/subjects"));
        assert_int_equal(fixture_checkpoint_size(&f), 0);
        publisher_free(p);
        vault_free(v);
        v = NULL;
        assert_int_equal(unlinkat(f.private_fd, "keys/vault", 0), 0);
        assert_int_equal(vault_open(f.private_fd, &io_kernel, true, &v, &err), -ENODATA);
        assert_non_null(strstr(err.text, "keys/vault"));
        assert_int_equal(unlinkat(f.private_fd, "keys/subjects", 0), 0);
        assert_int_equal(vault_open(f.private_fd, &io_kernel, true, &v, &err), -ENOENT);
        ledger_free(l);
        buf_done(&rows);
        buf_done(&entry);
        fixture_done(&f);
}

static void wrong_files_stay(void **state)
{
        static const char *const path[] = { "tile/0/000", "tile/entries/001", "tile/0/002.p/188",
                                            "tile/1/000.p/2" };
        struct fixture f;

        published(&f, 700, 700);
        for (size_t i = 0; i < ARRAY_LEN(path); i++) {
                for (int how = 0; how < 3; how++) {
                        struct err err = { 0 };
                        uint8_t *good, *now;
                        size_t n, m;

                        good = fixture_read(f.public_fd, path[i], &n);
                        good[n / 2] ^= 4;
                        m = how == 0 ? n : how == 1 ? n - 1 : 3;
                        fixture_write(f.public_fd, path[i], span_of(good, m));
                        assert_int_equal(try_publisher(&f, false, &err), -EBADMSG);
                        if (!strstr(err.text, path[i]))
                                print_message("%s\n", err.text);
                        assert_non_null(strstr(err.text, path[i]));
                        now = fixture_read(f.public_fd, path[i], &m);
                        assert_memory_equal(now, good, m);
                        free(now);
                        good[n / 2] ^= 4;
                        fixture_write(f.public_fd, path[i], span_of(good, n));
                        free(good);
                }
        }
        assert_int_equal(try_publisher(&f, false, NULL), 0);
        fixture_done(&f);
}

/* A payload byte changed behind the writer's back, with the record's checksum made to fit: only the
 * second computation of the root can tell, and it must not sign. */
static void second_computation(void **state)
{
        struct ledger_position at;
        struct publisher *p;
        struct fixture f;
        struct ledger *l;
        struct wal_segment h;
        struct wal_record rec;
        struct err err = { 0 };
        uint8_t *bytes, *record;
        size_t n, len, off = WAL_SEGMENT_HEADER;
        uint32_t crc;
        int fd;

        fixture_new(&f);
        l = fixture_open(&f);
        p = fixture_publisher(&f, NULL, false);
        fixture_append(&f, l, 100, 60, 100);
        fixture_publish(p, l);
        fixture_append(&f, l, 100, 60, 100);
        bytes = fixture_read(f.private_fd, "wal/000000000001", &n);
        assert_int_equal(wal_get_segment(span_of(bytes, n), &h, NULL), 1);
        do {
                assert_int_equal(
                        wal_get_record(span_of(bytes, n), off, wal_salt(&h), &rec, &len, NULL), 1);
                off += len;
        } while (rec.type != WAL_ENTRY || rec.index != 150);
        record = bytes + off - len;
        record[WAL_RECORD_HEADER + 20] ^= 1;
        crc = crc32c(wal_salt(&h), span_of(record + 4, WAL_RECORD_HEADER - 4 + rec.payload.n));
        for (int i = 0; i < 4; i++)
                record[i] = (uint8_t)(crc >> (8 * i));
        fd = openat(f.private_fd, "wal/000000000001", O_WRONLY);
        assert_int_equal(pwrite(fd, bytes, n, 0), (ssize_t)n);
        close(fd);
        ledger_position(l, &at);
        assert_int_equal(publisher_run(p, &at, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "the log stops"));
        assert_int_equal(fixture_checkpoint_size(&f), 100);
        publisher_free(p);
        ledger_free(l);
        l = NULL;
        assert_int_equal(ledger_open(f.public_fd, f.private_fd, &f.options, &l, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "do not give the batch's root"));
        free(bytes);
        fixture_done(&f);
}

static int count(void *ctx, struct span id, struct span disclosure)
{
        ++*(size_t *)ctx;
        return 0;
}

/* A whole bundle of entries with nearly as many sealed bytes as one may have. */
static void largest_rows(void **state)
{
        static char value[34002];
        struct vault_field field = { SPAN("uid:1"), SPAN("a"), span_of(value, sizeof value) };
        struct buf rows = BUF_INIT(LEDGER_SEALED_MAX), entry = BUF_INIT(1000);
        struct vault_sealed sealed;
        struct vault *v = NULL;
        struct publisher *p;
        struct fixture f;
        struct ledger *l;
        size_t seen = 0;

        memset(value, 'x', sizeof value);
        value[0] = value[sizeof value - 1] = '"';
        fixture_new(&f);
        assert_int_equal(vault_open(f.private_fd, &io_kernel, true, &v, NULL), 0);
        l = fixture_open(&f);
        p = fixture_publisher(&f, v, false);
        for (uint64_t i = 0; i < 260; i++) {
                uint64_t index;

                buf_clear(&rows);
                buf_clear(&entry);
                fixture_entry(&entry, i, 50);
                assert_int_equal(vault_seal(v, buf_span(&entry), &field, 1, &sealed, &rows, NULL),
                                 0);
                assert_true(rows.n > LEDGER_SEALED_MAX * 9 / 10);
                assert_int_equal(ledger_stage(l, buf_span(&entry), buf_span(&rows),
                                              (struct ledger_writer_id){ 0 }, &index, NULL),
                                 0);
                testlog_add(&f.model, buf_span(&entry));
                assert_int_equal(ledger_commit(l, NULL), 0);
                ledger_tend(l);
        }
        fixture_publish(p, l);
        fixture_check_tree(&f, 260);
        for (uint64_t i = 0; i < 260; i++)
                assert_int_equal(vault_disclose(v, i, count, &seen, NULL, NULL), 0);
        assert_int_equal(seen, 260);
        publisher_free(p);
        ledger_free(l);
        vault_free(v);
        buf_done(&rows);
        buf_done(&entry);
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(trees),
                cmocka_unit_test(partial_files_again),
                cmocka_unit_test(large_tree),
                cmocka_unit_test(rounds),
                cmocka_unit_test(partials_go),
                cmocka_unit_test(begun_partials_go),
                cmocka_unit_test(files_made_again),
                cmocka_unit_test(old_tiles_made_again),
                cmocka_unit_test(pruned_tiles_made_again),
                cmocka_unit_test(missing_files),
                cmocka_unit_test(lost_bundle),
                cmocka_unit_test(lost_vault),
                cmocka_unit_test(wrong_files_stay),
                cmocka_unit_test(second_computation),
                cmocka_unit_test(largest_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
