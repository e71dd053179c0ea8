/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_fold.c - what one user changes faster than it is worth an entry each, told as one.
 *
 * The table has each of these changes at once, and whatever acts on a change does.  The journal has
 * them with their entry and not before: after a crash they are found by the scan at start, so none
 * is known that was not told.  It gets what the table has then, which is right whatever happened to
 * the same paths meanwhile; renames go before that in their order, and whoever else renames
 * something has what is folded told first.
 *
 *   <state>/folded/content/ab/cdef...   the paths of the fold whose digest is abcdef..., as
 *                                       content.h has them */
#include "integrity/sensor/sensor_priv.h"

#include "integrity/trusted/content.h"
#include "integrity/trusted/fold.h"
#include "loop/log.h"
#include "sys/io.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { OPS_PART = 1 << 20, OPS_BYTES = 4 << 20, PATH_BYTES = 1 << 20 };
#define LISTS_BYTES ((uint64_t)64 << 20)
#define LIST_BYTES  ((uint64_t)4 << 20)

/* ---- life ---- */

/* Lists are of use, but not what this is for: without room for them their digests are told. */
static void open_lists(struct sensor *s)
{
        const struct content_limits limits = { .file_max = LIST_BYTES, .total_max = LISTS_BYTES };
        CLEANUP_FD int fd = -1;
        struct err err = { 0 };
        int rc = io_make_dirs(&io_kernel, s->state.dirfd, "folded", 0700, &err);

        if (rc == 0) {
                fd = openat(s->state.dirfd, "folded",
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                rc = fd < 0 ? err_sys(&err, -errno, "folded") : 0;
        }
        if (rc == 0)
                rc = content_open(&io_kernel, fd, &limits, &s->fold_lists, &err);
        if (rc < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.folded", log_err(&err));
}

int fold_init(struct sensor *s, struct err *err)
{
        open_lists(s);
        return folds_new(&s->folds, err);
}

void fold_done(struct sensor *s)
{
        s->folds = folds_free(s->folds);
        s->fold_lists = content_free(s->fold_lists);
}

/* ---- telling ---- */

static bool keep_list(struct sensor *s, const struct fold_facts *f)
{
        struct err err = { 0 };

        if (!s->fold_lists || content_keep_value(s->fold_lists, f->list, f->digest) < 0)
                return false;
        return content_sync(s->fold_lists, &err) == 0;
}

/* The entry, with the first part of what the table has; the rest follows it. */
struct telling {
        struct sensor *s;
        struct who *who;
        bool told;
        struct buf ops, path;
};

static int hand_on(struct telling *t)
{
        int rc = buf_status(&t->ops);

        if (rc == 0 && !t->told)
                rc = tell_entry_ops(t->s, buf_span(&t->s->skeleton), buf_span(&t->ops), t->who);
        else if (rc == 0 && t->ops.n)
                rc = tell_silent(t->s, buf_span(&t->ops));
        t->told = true;
        buf_clear(&t->ops);
        return rc;
}

static int put_state(struct telling *t, struct span path, const struct table_node *n)
{
        const bool there = n && n->record;

        journal_op_put(&t->ops, there ? JOURNAL_SET : JOURNAL_DROP, path,
                       there ? table_record(n) : SPAN_NONE);
        if (there && n->mark & TABLE_DOUBT)
                journal_op_put(&t->ops, JOURNAL_DOUBT, path, SPAN_NONE);
        return t->ops.n > OPS_PART ? hand_on(t) : buf_status(&t->ops);
}

static int put_below(struct telling *t, struct table_node *top)
{
        int rc = 0;

        for (struct table_node *n = table_next(top, top); n && rc == 0; n = table_next(top, n)) {
                if (!n->record)
                        continue;
                buf_clear(&t->path);
                table_path(n, &t->path);
                rc = buf_status(&t->path) < 0 ? buf_status(&t->path)
                                              : put_state(t, buf_span(&t->path), n);
        }
        return rc;
}

static int put_all(struct telling *t, const struct fold *x, const struct fold_facts *f)
{
        struct span rest = f->list;
        int rc = 0;

        buf_put(&t->ops, f->moves);
        while (rest.n && rc == 0) {
                struct span path = span_str((const char *)rest.p);
                struct table_node *n = table_find(t->s->table, path);

                rc = put_state(t, path, n);
                if (rc == 0 && n && fold_moved_tree(x, path))
                        rc = put_below(t, n);
                rest = span_from(rest, path.n + 1);
        }
        return rc == 0 && (t->ops.n || !t->told) ? hand_on(t) : rc;
}

static int tell(struct sensor *s, struct fold *x)
{
        struct telling t = {
                .s = s, .who = fold_who(x), .ops = BUF_INIT(OPS_BYTES), .path = BUF_INIT(PATH_BYTES)
        };
        struct fold_facts f;
        bool kept;
        int rc = fold_close(x, &f);

        if (rc < 0)
                return rc;
        kept = keep_list(s, &f);
        buf_clear(&s->skeleton);
        fold_write(x, &f, sensor_wall(s), kept, false, &s->skeleton);
        if (buf_status(&s->skeleton) == -E2BIG) {
                buf_clear(&s->skeleton);
                fold_write(x, &f, sensor_wall(s), kept, true, &s->skeleton);
        }
        rc = buf_status(&s->skeleton) < 0 ? buf_status(&s->skeleton) : put_all(&t, x, &f);
        buf_done(&t.ops);
        buf_done(&t.path);
        fold_told(x);
        return rc;
}

static int tell_due(struct sensor *s, bool at_once)
{
        struct fold *x;
        int rc = 0;

        while (rc == 0 && (x = folds_due(s->folds, sensor_mono(s), at_once)))
                rc = tell(s, x);
        return rc;
}

int fold_tick(struct sensor *s)
{
        return tell_due(s, false);
}

int fold_flush(struct sensor *s)
{
        return tell_due(s, true);
}

bool fold_any(const struct sensor *s)
{
        return folds_any(s->folds);
}

/* ---- folding ---- */

static int alert(struct sensor *s, const struct fold *x, const struct change *c)
{
        char detail[160];

        log_event(LOG_LEVEL_WARNING, "sensor.folding", log_u64("uid", fold_uid(x)),
                  log_bytes("profile", c->profile->name), log_bytes("path", c->path));
        snprintf(
                detail, sizeof detail,
                "uid %u makes more than %d changes of one sort in %d s, or %d in an hour: they are "
                "told together",
                fold_uid(x), FOLD_BURST, FOLD_WINDOW_S, FOLD_LONG);
        return why_alert_event(s, "too many changes", tell_path(s, c->path), (struct who *)c->who,
                               detail);
}

/* The directory of a path, or of what is left of its tree the nearest: from that one only what is
 * one's own can have been taken away, as if it were sticky. */
static const struct record *dir_of(struct sensor *s, struct span path, struct record *room)
{
        bool parent = true;

        while (path.n > 1) {
                const struct table_node *n;

                while (path.n && path.p[--path.n] != '/')
                        ;
                n = table_find(s->table, path.n ? path : SPAN("/"));
                if (n && n->record && record_decode(table_record(n), room, NULL) == 0) {
                        room->mode |= parent ? 0 : S_ISVTX;
                        return room;
                }
                parent = false;
        }
        return NULL;
}

static bool may_fold(struct sensor *s, const struct change *c)
{
        struct record dir, from;
        struct fold_whose by;

        return fold_may(c, &by) && fold_in_reach(c, dir_of(s, c->path, &dir),
                                                 c->from.n ? dir_of(s, c->from, &from) : NULL);
}

int fold_take(struct sensor *s, const struct change *c, struct span ops)
{
        int64_t now = sensor_mono(s);
        struct fold *full = NULL, *x = NULL;
        int rc = 0;

        if (may_fold(s, c))
                x = folds_count(s->folds, c, now, &full);

        if (full) {
                rc = tell(s, full);
                if (rc == 0)
                        x = folds_count(s->folds, c, now, &full);
        }
        if (rc == 0 && !x && c->from.n)
                rc = fold_flush(s);
        if (rc < 0 || !x)
                return rc;
        if (!fold_has_room(x, c, ops))
                rc = tell(s, x);
        if (rc < 0)
                return rc;
        if (fold_put(x, c, ops, now) < 0)
                return 0; /* without memory each is told */
        rc = fold_is_news(x, c) ? alert(s, x, c) : 0;
        return rc < 0 ? rc : 1;
}

void fold_put_status(const struct sensor *s, struct json_writer *w)
{
        json_put_key(w, "folded");
        json_begin_object(w);
        json_member_u64(w, "changes", folds_count_all(s->folds));
        json_member_u64(w, "now", folds_folding(s->folds));
        json_end_object(w);
}
