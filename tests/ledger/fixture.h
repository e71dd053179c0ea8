/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - a ledger in a directory of its own beside a model of what it must hold.
 *
 * The model (testlog.h) keeps every entry and computes roots and tiles straight from RFC 6962, with
 * none of the code under test.  Entry i of a fixture is a function of i, so that a test can say
 * what must be there.  Directories lie on /dev/shm unless FIXTURE_DISK asks for a real disk. */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

#include "ledger/publish/publisher.h"
#include "ledger/vault/vault.h"
#include "ledger/writer/ledger.h"
#include "sys/io.h"
#include "testlog.h"

#define FIXTURE_ORIGIN "test.example/log"

struct fixture {
        char dir[64];
        int root_fd, public_fd, private_fd;
        int64_t now_ns; /* the clock's; add to it to let time pass */
        struct clock clock;
        struct ledger_options options;
        struct testlog model;
};

/* Aborts on any failure of its own. */
void fixture_init(struct fixture *f, bool on_disk);
/* fixture_init(), and a ledger of LEDGER_SEGMENT_MIN segments with its vault. */
void fixture_new(struct fixture *f);
void fixture_done(struct fixture *f);

/* Of what lies at path below base, not of what that leads to. */
ino_t fixture_inode(int base, const char *path);
/* Remove a directory and what is in it; copy one. */
void fixture_remove(int base, const char *path);
void fixture_copy(int base, const char *from, const char *to);
/* Close and open the descriptors of "log" and "log.private" again. */
void fixture_reopen_dirs(struct fixture *f);

/* Entry i, a canonical JSON object of n bytes or a few more, appended to b. */
void fixture_entry(struct buf *b, uint64_t i, size_t n);
/* The same as the model's next entry, staged in l with this id; the code of ledger_stage(). */
int fixture_stage(struct fixture *f, struct ledger *l, size_t n, struct ledger_writer_id id,
                  struct err *err);
/* Stage and commit n entries of about bytes each, `batch` at a time; each must succeed. */
void fixture_append(struct fixture *f, struct ledger *l, uint64_t n, size_t bytes, uint64_t batch);
/* Cut the model back. */
void fixture_truncate_model(struct fixture *f, uint64_t size);
/* Size and root of l are the model's. */
void fixture_check(struct fixture *f, const struct ledger *l);
/* Every file below tile/ is, byte for byte, what the definitions say for this size, and none is
 * missing; partial tiles of smaller sizes may be there. */
void fixture_check_tree(struct fixture *f, uint64_t size);
/* The same, and there may be temporaries, which go when their directory is used again. */
void fixture_check_tree_after_crash(struct fixture *f, uint64_t size);
/* The public checkpoint's size, its signature checked with the log's vkey. */
uint64_t fixture_checkpoint_size(struct fixture *f);

struct ledger *fixture_open(struct fixture *f);
struct publisher *fixture_publisher(struct fixture *f, struct vault *v, bool rebuild);
/* Publish everything durable and tell the ledger. */
void fixture_publish(struct publisher *p, struct ledger *l);

/* A file's bytes, malloc'd. */
uint8_t *fixture_read(int base, const char *path, size_t *ret_n);
void fixture_write(int base, const char *path, struct span s);
/* How often these bytes occur in any file below the fixture's directory. */
size_t fixture_search(struct fixture *f, struct span what);

/* A small generator, the same on every machine. */
static inline uint64_t fixture_random(uint64_t *state)
{
        uint64_t z = (*state += 0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
}

#endif
