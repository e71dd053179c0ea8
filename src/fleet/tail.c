/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/tail.h"

#include "base/text.h"
#include "sys/io.h"
#include "wire/entry.h"
#include "wire/tile.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERED_MAX = 1024 };

void tail_init(struct tail *t, const char *dir, const char *origin, uint64_t next, bool whole)
{
        *t = (struct tail){ .dir = dir, .next = next, .whole = whole, .watch = -1 };
        snprintf(t->origin, sizeof t->origin, "%s", origin);
}

void tail_done(struct tail *t)
{
        if (t->open)
                reader_done(&t->reader);
        t->open = false;
        fd_close(&t->watch);
}

/* ---- the ledgers of this host ---- */

static void path_of(const struct tail *t, unsigned number, char out[PATH_MAX])
{
        if (number)
                snprintf(out, PATH_MAX, "%s/ledger.%u", t->dir, number);
        else
                snprintf(out, PATH_MAX, "%s/ledger", t->dir);
}

static int by_number(const void *a, const void *b)
{
        unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

        return (x > y) - (x < y);
}

/* Numbers of the ledgers that were succeeded, oldest first. */
static size_t list_numbers(const struct tail *t, unsigned out[NUMBERED_MAX])
{
        DIR *d = opendir(t->dir);
        struct dirent *e;
        size_t n = 0;
        uint64_t number;

        if (!d)
                return 0;
        while (n < NUMBERED_MAX && (e = readdir(d)))
                if (strncmp(e->d_name, "ledger.", 7) == 0 &&
                    text_to_u64(span_str(e->d_name + 7), &number) == 0 && number > 0 &&
                    number <= UINT_MAX)
                        out[n++] = (unsigned)number;
        closedir(d);
        qsort(out, n, sizeof *out, by_number);
        return n;
}

static void use(struct tail *t, struct reader *r, const char *path)
{
        tail_done(t);
        t->reader = *r;
        *r = (struct reader){ 0 };
        t->open = true;
        snprintf(t->origin, sizeof t->origin, "%s", t->reader.checkpoint.origin);
        t->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (t->watch >= 0 &&
            inotify_add_watch(t->watch, path, IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
                fd_close(&t->watch);
}

/* Which ledger came before, as the first entry of this one says; "" where it does not. */
static void get_previous(struct reader *r, char out[NOTE_NAME_MAX + 1])
{
        struct span bytes, text;
        struct json_value v;

        out[0] = '\0';
        if (reader_size(r) == 0 || reader_entry(r, 0, &bytes, NULL) < 0 ||
            json_check(bytes, NULL) < 0 ||
            !json_get_path(json_value_of(bytes), "what.previous_origin", &v) ||
            !json_value_plain(v, &text) || text.n > NOTE_NAME_MAX)
                return;
        snprintf(out, NOTE_NAME_MAX + 1, "%.*s", (int)text.n, (const char *)text.p);
}

static int found_gap(struct tail_item *ret, const char *origin, uint64_t from, uint64_t until,
                     const char *reason)
{
        ret->index = from;
        ret->until = until;
        snprintf(ret->origin, sizeof ret->origin, "%s", origin);
        snprintf(ret->reason, sizeof ret->reason, "%s", reason);
        return TAIL_GAP;
}

/* ---- finding the place to go on ---- */

/* Open the ledger with this origin among the numbered ones.  -ENOENT: none has it. */
static int open_origin(struct tail *t, const char *origin, struct reader *ret, char path[PATH_MAX])
{
        unsigned number[NUMBERED_MAX];
        size_t n = list_numbers(t, number);

        for (size_t i = n; i > 0; i--) {
                struct reader r = { 0 };

                path_of(t, number[i - 1], path);
                if (reader_open(path, &r, NULL) < 0)
                        continue;
                if (strcmp(r.checkpoint.origin, origin) == 0) {
                        *ret = r;
                        return 0;
                }
                reader_done(&r);
        }
        return -ENOENT;
}

/* The oldest that is left of those behind one that is gone: else what is there now. */
static void open_after(struct tail *t, const char *gone, struct reader *now, char path[PATH_MAX])
{
        unsigned number[NUMBERED_MAX];
        char previous[NOTE_NAME_MAX + 1];
        size_t n = list_numbers(t, number);

        for (size_t i = 0; i < n; i++) {
                struct reader r = { 0 };

                path_of(t, number[i], path);
                if (reader_open(path, &r, NULL) < 0)
                        continue;
                get_previous(&r, previous);
                if (strcmp(previous, gone) == 0) {
                        reader_done(now);
                        *now = r;
                        return;
                }
                reader_done(&r);
        }
        path_of(t, 0, path);
}

/* TAIL_ENTRY: there is a ledger to read now. */
static int attach(struct tail *t, struct tail_item *ret, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        char path[PATH_MAX], gone[NOTE_NAME_MAX + 1];
        uint64_t next = t->next;
        int rc;

        path_of(t, 0, path);
        rc = reader_open(path, &r, err);
        if (rc == -ENOENT) {
                t->whole = t->whole || !*t->origin; /* it begins while we look */
                return TAIL_NOTHING;
        }
        if (rc < 0)
                return rc;
        if (!*t->origin) {
                t->next = t->whole ? 0 : reader_size(&r);
                use(t, &r, path);
                return TAIL_ENTRY;
        }
        if (strcmp(r.checkpoint.origin, t->origin) != 0) {
                struct reader old = { 0 };

                if (open_origin(t, t->origin, &old, path) < 0) {
                        memcpy(gone, t->origin, sizeof gone);
                        open_after(t, gone, &r, path);
                        use(t, &r, path);
                        t->next = 0;
                        return found_gap(ret, gone, next, 0, "that ledger is not here any more");
                }
                reader_done(&r);
                r = old;
        }
        use(t, &r, path);
        return TAIL_ENTRY;
}

/* ---- from one ledger into the next ---- */

static unsigned successor_of(struct tail *t)
{
        unsigned number[NUMBERED_MAX];
        size_t n = list_numbers(t, number);
        struct stat ours, there;
        char path[PATH_MAX];

        if (fstat(t->reader.fd, &ours) < 0)
                return 0;
        for (size_t i = 0; i < n; i++) {
                path_of(t, number[i], path);
                if (stat(path, &there) == 0 && there.st_dev == ours.st_dev &&
                    there.st_ino == ours.st_ino)
                        return i + 1 < n ? number[i + 1] : 0;
        }
        return 0;
}

static int go_over(struct tail *t, struct tail_item *ret, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        char path[PATH_MAX], previous[NOTE_NAME_MAX + 1], before[NOTE_NAME_MAX + 1];
        int rc;

        path_of(t, successor_of(t), path);
        rc = reader_open(path, &r, err);
        if (rc == -ENOENT)
                return TAIL_NOTHING; /* it is being put into its place */
        if (rc < 0)
                return rc;
        get_previous(&r, previous);
        memcpy(before, t->origin, sizeof before);
        use(t, &r, path);
        t->next = 0;
        if (*previous && strcmp(previous, before) != 0)
                return found_gap(ret, previous, 0, 0, "that ledger is not here any more");
        return TAIL_ENTRY;
}

/* ---- entries ---- */

/* What stands at next, which the ledger has had. */
static int take(struct tail *t, struct tail_item *ret, struct err *err)
{
        uint64_t at = t->next, until = at + 1;
        int rc = reader_entry(&t->reader, at, &ret->entry, err);

        if (rc == 0) {
                t->next++;
                ret->index = at;
                memcpy(ret->origin, t->origin, sizeof ret->origin);
                return TAIL_ENTRY;
        }
        if (rc == -ENODATA)
                until = t->reader.pruned;
        else if (rc == -ENOMSG)
                until = MIN_OF(at + TILE_WIDTH - at % TILE_WIDTH, reader_size(&t->reader));
        else if (rc != -EBADMSG && rc != -EINVAL)
                return rc;
        t->next = until;
        return found_gap(ret, t->origin, at, until, rc == -ENODATA ? "pruned" : err_text(err));
}

/* TAIL_ENTRY: look again at next. */
static int look_for_more(struct tail *t, struct tail_item *ret, struct err *err)
{
        char path[PATH_MAX];
        bool succeeded;
        int rc;

        path_of(t, 0, path);
        /* Before the last look, or entries that came between would be left behind. */
        succeeded = reader_is_succeeded(&t->reader, path);
        rc = reader_refresh(&t->reader, err);
        if (rc < 0)
                return rc;
        if (reader_size(&t->reader) < t->next)
                return err_set(err, -EIO,
                               "%s has %" PRIu64 " entries and had %" PRIu64 ": it became shorter",
                               t->origin, reader_size(&t->reader), t->next);
        if (reader_size(&t->reader) > t->next)
                return TAIL_ENTRY;
        return succeeded ? go_over(t, ret, err) : TAIL_NOTHING;
}

int tail_next(struct tail *t, struct tail_item *ret, struct err *err)
{
        struct err why = { 0 };
        int rc;

        if (!t->open) {
                rc = attach(t, ret, &why);
                if (rc != TAIL_ENTRY)
                        goto out;
        }
        while (t->next >= reader_size(&t->reader)) {
                rc = look_for_more(t, ret, &why);
                if (rc != TAIL_ENTRY)
                        goto out;
        }
        rc = take(t, ret, &why);
out:
        if (rc < 0 && err)
                *err = why;
        return rc;
}

uint64_t tail_behind(const struct tail *t)
{
        return t->open && reader_size(&t->reader) > t->next ? reader_size(&t->reader) - t->next : 0;
}

void tail_drain(struct tail *t)
{
        char events[4096];

        while (t->watch >= 0 && read(t->watch, events, sizeof events) > 0)
                ;
}
