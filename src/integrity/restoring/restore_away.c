/* SPDX-License-Identifier: Apache-2.0 */
/* restore_away.c - what goes away for what comes back: evidence first. */
#include "integrity/restoring/restore_disk_priv.h"

#include "integrity/restoring/quarantine.h"
#include "integrity/trusted/observe.h"
#include "sys/fsput.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAKEN_BYTES = 16 << 20, HOLDERS_BYTES = 4096 };

/* ---- tasks ---- */

void restore_task_init(struct restore_task *t)
{
        *t = (struct restore_task){ .now = BUF_INIT(RECORD_MAX),
                                    .taken = BUF_INIT(TAKEN_BYTES),
                                    .holders = BUF_INIT(HOLDERS_BYTES) };
}

void restore_task_clear(struct restore_task *t)
{
        struct buf now = t->now, taken = t->taken, holders = t->holders;

        buf_clear(&now);
        buf_clear(&taken);
        buf_clear(&holders);
        *t = (struct restore_task){ .now = now, .taken = taken, .holders = holders };
}

void restore_task_done(struct restore_task *t)
{
        buf_done(&t->now);
        buf_done(&t->taken);
        buf_done(&t->holders);
}

bool restore_next_taken(struct span *rest, struct restore_taken *ret, struct span *ret_path,
                        struct span *ret_record)
{
        if (rest->n < sizeof *ret)
                return false;
        memcpy(ret, rest->p, sizeof *ret);
        *ret_path = span_of(rest->p + sizeof *ret, ret->path_n);
        *ret_record = span_of(ret_path->p + ret->path_n, ret->record_n);
        *rest = span_from(*rest, sizeof *ret + ret->path_n + ret->record_n);
        return true;
}

void restore_note(struct restore_task *t, const char *text)
{
        size_t n = strlen(t->note);

        snprintf(t->note + n, sizeof t->note - n, "%s%s", n ? "; " : "", text);
}

int restore_failed(struct restore_task *t, int rc, const char *what)
{
        if (t->err.code == 0)
                (void)!err_sys(&t->err, rc, "%s", what);
        return rc;
}

void restore_split(struct span path, struct span *ret_dir, struct span *ret_name)
{
        const uint8_t *slash = memrchr(path.p, '/', path.n);
        size_t dir_n = (size_t)(slash - path.p);

        *ret_dir = span_of(path.p, MAX_OF(dir_n, (size_t)1));
        *ret_name = span_from(path, dir_n + 1);
}

/* ---- evidence ---- */

/* Once for all that one task puts away. */
static void note_once(struct restore_task *t, const char *text)
{
        if (!strstr(t->note, text))
                restore_note(t, text);
}

static int put_taken(struct restore_task *t, struct restore_taken *x, struct span path,
                     struct span encoded)
{
        size_t n = sizeof *x + path.n + encoded.n;

        if (t->taken.n + n > TAKEN_BYTES && t->discard) {
                note_once(t, "more went than is told");
                return 0;
        }
        x->path_n = (uint32_t)path.n;
        x->record_n = (uint32_t)encoded.n;
        buf_put(&t->taken, span_of(x, sizeof *x));
        buf_put(&t->taken, path);
        buf_put(&t->taken, encoded);
        t->n_taken++;
        return buf_status(&t->taken);
}

static int put_item(struct restore_task *t, const struct quarantine_item *i)
{
        struct restore_taken x = { .moment = i->moment,
                                   .kept = (uint8_t)i->kept,
                                   .bytes = i->part.bytes };

        snprintf(x.id, sizeof x.id, "%s", i->id);
        snprintf(x.reason, sizeof x.reason, "%s", i->reason);
        snprintf(x.why, sizeof x.why, "%s", i->why);
        memcpy(x.sha256, i->part.sha256, sizeof x.sha256);
        return put_taken(t, &x, i->path, i->encoded);
}

/* No room for an item: that it was there, and what it was, is told all the same. */
static int put_nothing(struct restore_run *p, const struct quarantine_ask *a, struct record *r,
                       const char *why)
{
        CLEANUP(buf_done) struct buf encoded = BUF_INIT(RECORD_MAX);
        struct restore_taken x = { .kept = QUARANTINE_NOTHING };
        struct restore_task *t = p->t;
        int rc = restore_stat(p->r, a->dirfd, a->name, r, &t->handle);

        if (rc < 0)
                return rc;
        note_once(t, "what was there is not kept");
        if (t->n_taken >= RESTORE_TAKEN_MAX) {
                note_once(t, "more went than is told");
                return 0;
        }
        if (record_same_stat(&p->is, r) && p->there)
                record_encode(&p->is, &encoded);
        else
                record_encode(r, &encoded);
        snprintf(x.reason, sizeof x.reason, "%s", a->reason);
        snprintf(x.why, sizeof x.why, "%s", why);
        return buf_status(&encoded) < 0 ? buf_status(&encoded)
                                        : put_taken(t, &x, a->path, buf_span(&encoded));
}

static int take(struct restore_run *p, const struct quarantine_ask *a, struct quarantine_item *i,
                struct err *err)
{
        if (p->t->n_taken >= RESTORE_TAKEN_MAX)
                return err_set(err, -ENOSPC, "more than %d items at once", RESTORE_TAKEN_MAX);
        return quarantine_take(p->r->quarantine, a, i, err);
}

/* 0: it is kept, or need not be.  *ret gets what it was, if not NULL. */
int restore_take(struct restore_run *p, int dirfd, const char *name, struct span path,
                 const char *reason, struct record *ret)
{
        struct restore_task *t = p->t;
        const struct quarantine_ask a = { .dirfd = dirfd,
                                          .name = name,
                                          .path = path,
                                          .reason = reason,
                                          .wall_ns = t->wall_ns,
                                          .known = p->there ? &p->is : NULL,
                                          .record_alone = t->discard };
        struct quarantine_item i;
        struct record was;
        struct err err = { 0 };
        int rc = take(p, &a, &i, &err);

        if (rc == -ESTALE)
                return -EAGAIN;
        if (rc == 0) {
                if (i.kept == QUARANTINE_PART)
                        note_once(t, "what was there is kept in part");
                else if (i.kept == QUARANTINE_NOTHING)
                        note_once(t, "the content of what was there is not kept");
                rc = put_item(t, &i);
                was = i.record;
        } else if (rc == -ENOENT || rc == -EAGAIN || hand_gave_up(rc) || !t->discard) {
                if (t->err.code == 0)
                        t->err = err;
                return rc;
        } else {
                rc = put_nothing(p, &a, &was, err_text(&err));
        }
        if (ret && rc == 0) {
                *ret = was;
                ret->link = ret->attrs = SPAN_NONE;
        }
        return rc;
}

/* ---- removing ---- */

int restore_open_for_flags(struct restorer *r, int dirfd, const char *name)
{
        return restore_open(r, dirfd, name,
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* An immutable file can be neither renamed nor removed. */
void restore_lift_name(struct restorer *r, int dirfd, const char *name)
{
        struct fs_stat st;
        CLEANUP_FD int fd = -1;
        unsigned had;

        if (restore_stat_name(r, dirfd, name, &st) < 0 || (!S_ISREG(st.mode) && !S_ISDIR(st.mode)))
                return;
        fd = restore_open_for_flags(r, dirfd, name);
        if (fd >= 0)
                (void)!restore_lift(r, fd, &had); /* the removal will tell */
}

/* What is in a directory, each put away first. */
static int remove_within(struct restore_run *p, int fd, struct buf *path, unsigned depth)
{
        struct dir_reader *d = malloc(sizeof *d);
        size_t path_n = path->n;
        struct dir_entry e;
        int rc, more;

        if (!d)
                return -ENOMEM;
        do { /* until a whole pass finds nothing: removing moves what is not read yet */
                more = 0;
                rc = restore_rewind(p->r, fd);
                dir_reader_init_by(d, fd, restore_list, p->r);
                while (rc == 0 && (rc = dir_read(d, &e)) > 0) {
                        char name[TABLE_NAME_MAX + 1];

                        more = 1;
                        snprintf(name, sizeof name, "%s", e.name);
                        buf_put_byte(path, '/');
                        buf_put_str(path, name);
                        rc = buf_status(path);
                        if (rc == 0)
                                rc = restore_remove_tree(p, fd, name, path, depth + 1);
                        path->n = path_n;
                }
        } while (rc == 0 && more);
        free(d);
        return rc;
}

/* Of a whole tree at once.  rc: what came of that. */
static int sync_evidence(struct restore_run *p, int rc)
{
        int synced = quarantine_sync(p->r->quarantine, rc < 0 ? NULL : &p->t->err);

        if (rc < 0 || synced == 0)
                return rc;
        if (!p->t->discard)
                return synced;
        p->t->err = (struct err){ 0 };
        note_once(p->t, "what was there may not outlive a power cut");
        return 0;
}

/* What is at name, which is at path for people: evidence, then gone. */
int restore_remove_tree(struct restore_run *p, int dirfd, const char *name, struct buf *path,
                        unsigned depth)
{
        CLEANUP_FD int fd = -1;
        struct record r;
        int rc;

        restore_lift_name(p->r, dirfd, name);
        rc = restore_take(p, dirfd, name, buf_span(path), depth ? "below" : p->why, &r);
        if (rc == -ENOENT)
                return 0;
        if (rc < 0)
                return rc;
        if (r.type != RECORD_DIR) {
                rc = restore_unlink(p, dirfd, name, 0);
                return rc == -ENOENT ? 0 : rc;
        }
        if (depth > RESTORE_DEPTH_MAX)
                return -ELOOP;
        fd = restore_open(p->r, dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (depth == 0)
                quarantine_sync_later(p->r->quarantine);
        rc = fd < 0 ? fd : remove_within(p, fd, path, depth);
        if (depth == 0)
                rc = sync_evidence(p, rc);
        return rc == 0 ? restore_unlink(p, dirfd, name, AT_REMOVEDIR) : rc;
}

int restore_sweep_temp(struct restorer *r, struct restore_task *t, struct err *err)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(t->path.n + (1u << 16));
        struct restore_run p = { .r = r, .t = t, .why = "left" };
        struct span dir, name;
        CLEANUP_FD int fd = -1;
        unsigned had = 0;
        int rc;

        restore_split(t->path, &dir, &name);
        restore_begin(r, t);
        fd = restore_open_dir(r, dir);
        t->stalled = r->stuck;
        if (t->stalled)
                return err_set(err, -ETIMEDOUT, "%s", err_text(&t->err));
        if (fd < 0 || t->temp[0] == '\0')
                return 0; /* it went with its directory */
        p.dirfd = fd;
        buf_put(&path, t->path);
        rc = buf_status(&path) < 0 ? buf_status(&path) : restore_reach_fd(&p, fd);
        if (rc == 0)
                rc = restore_lift(r, fd, &had);
        if (rc == 0)
                rc = restore_reach(&p, fd, t->temp);
        if (rc == 0)
                rc = restore_remove_tree(&p, fd, t->temp, &path, 0);
        t->stalled = r->stuck;
        if (had && restore_flags_change(r, fd, 0, had, NULL) < 0)
                rc = rc < 0 ? rc : -EIO;
        if (rc < 0 && err)
                *err = t->err;
        return rc < 0 && err && !err->code ? err_sys(err, rc, "%s", t->temp) : rc;
}
