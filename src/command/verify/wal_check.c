/* SPDX-License-Identifier: Apache-2.0 */
/* wal_check.c - see wal_check.h. */
#include "command/verify/wal_check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "command/places.h"
#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"
#include "sys/io.h"

enum { PUBLISH_TRIES = 20, LIST_TRIES = 4 };

struct checking {
        struct reader *reader;
        struct wal_check *result;
        struct span segment;
        uint64_t number;
        uint32_t salt;
        bool oldest, last;
        struct err *err;
};

/* The text has the byte already. */
static int damaged(const struct checking *c)
{
        return err_wrap(c->err, "wal segment %" PRIu64, c->number);
}

static int check_entry(const struct checking *c, const struct wal_record *r, size_t at)
{
        struct span published;
        int status;

        c->result->entries++;
        if (r->index >= reader_size(c->reader)) {
                c->result->waiting++;
                return 0;
        }
        status = reader_entry(c->reader, r->index, &published, c->err);
        if (status == -ENODATA)
                return 0; /* pruned */
        if (status == 0 && !span_eq(published, r->payload))
                status = err_set(c->err, -EBADMSG,
                                 "byte %zu: entry %" PRIu64 " is not the published one", at,
                                 r->index);
        return status < 0 ? damaged(c) : 0;
}

static int check_records(const struct checking *c, const struct wal_batch *b)
{
        size_t at = b->at, len;
        struct wal_record r;
        int status = 0;

        while (status == 0 && at < b->at + b->len) {
                status = wal_get_record(c->segment, at, c->salt, &r, &len, c->err);
                if (status <= 0)
                        return status < 0 ? damaged(c) : 0;
                status = r.type == WAL_ENTRY ? check_entry(c, &r, at) : 0;
                at += len;
        }
        return status;
}

/* A batch at the very end that does not hold together is no damage where it was never finished. */
static int judge_end(const struct checking *c, size_t at, size_t bad)
{
        if (c->last && wal_is_torn(c->segment, at, bad, c->salt)) {
                c->result->unfinished = true;
                return 0;
        }
        return damaged(c);
}

/* Renamed, but its first batch did not reach the disk.  The log's first one is that of a log
 * without entries; what was not begun anywhere else follows on one that was. */
static int check_not_begun(const struct checking *c, uint64_t *size)
{
        if (!c->last || wal_first_nonzero(span_of(c->segment.p, WAL_SECTOR), 0) != SIZE_MAX ||
            (c->oldest && c->number != 1)) {
                err_set(c->err, -EBADMSG, "it has no header");
                return damaged(c);
        }
        if (c->number == 1)
                *size = 0;
        return 0;
}

static int check_header(const struct checking *c, const struct wal_segment *head, uint64_t size)
{
        if (head->first != size)
                err_set(c->err, -EBADMSG, "it begins with entry %" PRIu64 ", not %" PRIu64,
                        head->first, size);
        else if (head->number != c->number || head->bytes != c->segment.n)
                err_set(c->err, -EBADMSG,
                        "its header is that of segment %" PRIu64 " with %u bytes, not of %zu",
                        head->number, (unsigned)head->bytes, c->segment.n);
        else
                return 0;
        return damaged(c);
}

static int check_segment(struct checking *c, uint64_t *size)
{
        struct wal_segment head;
        struct wal_batch b;
        size_t at = WAL_SEGMENT_HEADER, bad = 0;
        int status = wal_get_segment(c->segment, &head, c->err);

        if (status <= 0)
                return status < 0 ? damaged(c) : check_not_begun(c, size);
        if (*size == UINT64_MAX)
                *size = head.first;
        status = check_header(c, &head, *size);
        if (status < 0)
                return status;
        c->salt = wal_salt(&head);
        c->result->segments++;
        c->result->bytes += c->segment.n;
        while ((status = wal_get_batch(c->segment, at, c->salt, *size, &b, &bad, c->err)) > 0) {
                status = check_records(c, &b);
                if (status < 0)
                        return status;
                c->result->batches++;
                *size = b.size;
                at += b.len;
        }
        return status < 0 ? judge_end(c, at, bad) : 0;
}

static int read_and_check(struct checking *c, int wal_fd, uint64_t *size)
{
        uint8_t *p;
        size_t n;
        int status = segment_read(&io_kernel, wal_fd, c->number, &p, &n, c->err);

        if (status < 0)
                return status;
        c->segment = span_of(p, n);
        status = check_segment(c, size);
        free(p);
        return status;
}

/* The recorder uses segments again, the oldest first, whose entries are all published; what was
 * read of one meanwhile may be the zeros of its next life. */
static bool is_used_again(int wal_fd, const uint64_t *numbers, size_t i)
{
        char name[SEGMENT_NAME_MAX];
        struct stat st;

        for (size_t k = i > 0 ? i - 1 : i; k <= i; k++) {
                segment_name(numbers[k], name);
                if (fstatat(wal_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
                        return false;
        }
        return true;
}

/* -EAGAIN: not one of those listed is there any more. */
static int check_all(int wal_fd, const uint64_t *numbers, size_t n, struct checking *c)
{
        uint64_t size = UINT64_MAX;

        for (size_t i = 0; i < n; i++) {
                const struct wal_check before = *c->result;
                int status;

                c->number = numbers[i];
                c->oldest = i == 0;
                c->last = i + 1 == n;
                status = read_and_check(c, wal_fd, &size);
                if (is_used_again(wal_fd, numbers, i)) {
                        *c->result = before;
                        size = UINT64_MAX;
                        if (c->last)
                                return err_set(c->err, -EAGAIN,
                                               "wal: its segments were used again faster than "
                                               "they could be read");
                } else if (status < 0) {
                        return status;
                }
        }
        if (size != UINT64_MAX && size < reader_size(c->reader))
                return err_set(c->err, -EBADMSG,
                               "the wal ends at %" PRIu64 " entries, but %" PRIu64
                               " are signed: a rollback",
                               size, reader_size(c->reader));
        return 0;
}

static int list_and_check(int wal_fd, struct checking *c)
{
        const struct wal_check before = *c->result;
        int status = -EAGAIN;

        for (int i = 0; i < LIST_TRIES && status == -EAGAIN; i++) {
                uint64_t *numbers = NULL;
                size_t n = 0;

                *c->result = before;
                status = segment_list(&io_kernel, wal_fd, false, &numbers, &n, c->err);
                if (status == 0 && n == 0) /* the one in use is never gone */
                        status = err_set(c->err, -EBADMSG, "wal: there is no segment");
                if (status == 0)
                        status = check_all(wal_fd, numbers, n, c);
                free(numbers);
        }
        return status;
}

/* What was signed last.  The recorder writes it before the checkpoint, so it is read before that
 * one and the WAL: none of them may be behind it. */
static int read_signed(const char *private, struct checkpoint *ret, struct err *err)
{
        CLEANUP_FD int fd = -1;
        struct note note;
        uint8_t *bytes;
        size_t n;
        int status = places_open_dir(private, &fd, err);

        if (status == 0)
                status = io_read_file(&io_kernel, fd, "signed", NOTE_MAX, &bytes, &n, err);
        if (status < 0)
                return status;
        if (note_parse(span_of(bytes, n), &note, err) < 0 ||
            checkpoint_parse(note.text, ret, err) < 0)
                status = err_set(err, -EBADMSG, "signed: %s", err_text(err));
        free(bytes);
        return status;
}

/* A recorder in between takes no time to speak of. */
static int wait_for_published(struct reader *r, uint64_t size, struct err *err)
{
        const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
        int status = reader_refresh(r, err);

        for (int i = 0; i < PUBLISH_TRIES && status == 0 && reader_size(r) < size; i++) {
                nanosleep(&pause, NULL);
                status = reader_refresh(r, err);
        }
        return status;
}

/* Everything that was signed is there before it is signed, so without its checkpoint it still is:
 * the next start publishes that.  In an older copy it is not. */
static int check_ahead(struct reader *r, const struct checkpoint *last, uint64_t *ret_ahead,
                       struct err *err)
{
        uint64_t size = reader_size(r);
        struct err why = { 0 };
        int status = reader_advance(r, last, &why);

        if (status == -EBADMSG)
                return err_set(err, -EBADMSG,
                               "%" PRIu64
                               " entries are signed, but the checkpoint has only %" PRIu64
                               ": a rollback (%s)",
                               last->size, size, err_text(&why));
        if (status < 0)
                return err_set(err, status, "%s", err_text(&why));
        *ret_ahead = last->size - size;
        return 0;
}

static int check_published(struct reader *r, const struct checkpoint *last, uint64_t *ret_ahead,
                           struct err *err)
{
        int status = wait_for_published(r, last->size, err);

        if (status < 0)
                return status;
        if (strcmp(r->checkpoint.origin, last->origin) != 0)
                return err_set(err, -EBADMSG, "signed: is of %s, the checkpoint of %s",
                               last->origin, r->checkpoint.origin);
        if (reader_size(r) < last->size)
                return check_ahead(r, last, ret_ahead, err);
        if (reader_size(r) == last->size && !hash_eq(&r->checkpoint.root, &last->root))
                return err_set(err, -EBADMSG,
                               "signed: has another root for %" PRIu64
                               " entries than the checkpoint: two histories",
                               last->size);
        return 0;
}

int wal_check(const char *dir, struct reader *r, struct wal_check *ret, struct err *err)
{
        char private[PLACES_PATH_MAX], wal[PLACES_PATH_MAX];
        struct wal_check result = { 0 };
        struct checking c = { .reader = r, .result = &result, .err = err };
        struct checkpoint last;
        CLEANUP_FD int fd = -1;
        int status;

        status = places_private(dir, private, err);
        if (status == 0)
                status = read_signed(private, &last, err);
        if (status == 0)
                status = check_published(r, &last, &result.ahead, err);
        if (status == 0)
                status = places_join(private, "wal", wal, err);
        if (status == 0)
                status = places_open_dir(wal, &fd, err);
        if (status == 0)
                status = list_and_check(fd, &c);
        if (status == 0)
                *ret = result;
        return status;
}
