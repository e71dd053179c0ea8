/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_above.h"

#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/check.h"
#include "loop/log.h"
#include "sys/io.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES = 1 << 20 };

static const char file_name[] = "above";

struct above {
        struct table *known;   /* as they are */
        struct table *trusted; /* as they were found first, or were accepted since */
        struct buf path, encoded;
        char damage[ERR_TEXT_MAX]; /* why the file was not used; "": it was, or there was none */
        bool dirty;                /* the file is older */
        bool failed;               /* it could not be written, which was said */
};

/* ---- the file ---- */

static int load(int dirfd, const char *name, struct table *t, struct err *err)
{
        struct snapshot_head head;
        struct watchset rules = { 0 };
        int rc = snapshot_read(&io_kernel, dirfd, name, &rules, t, &head, err);

        watchset_done(&rules);
        return rc;
}

static int new_tables(struct above *a, struct err *err)
{
        int rc;

        a->known = table_free(a->known);
        a->trusted = table_free(a->trusted);
        rc = table_new(&a->known, err);
        return rc < 0 ? rc : table_new(&a->trusted, err);
}

int above_init(struct sensor *s, struct err *err)
{
        struct above *a = calloc(1, sizeof *a);
        struct err why = { 0 };
        int rc;

        if (!a)
                return err_set(err, -ENOMEM, "out of memory for directories");
        s->above = a;
        a->path = BUF_INIT(PATH_BYTES);
        a->encoded = BUF_INIT(RECORD_MAX);
        rc = new_tables(a, err);
        if (rc < 0)
                return rc;
        rc = load(s->state.dirfd, file_name, a->known, &why);
        if (rc == 0)
                rc = load(s->state.dirfd, CHECK_ABOVE, a->trusted, &why);
        if (rc == 0 || (rc == -ENOENT && s->found.source == STATE_NONE))
                return 0;
        if (rc == -ENOMEM)
                return err_set(err, rc, "%s", err_text(&why));
        snprintf(a->damage, sizeof a->damage,
                 "what was known of the directories above what is watched is lost: %s",
                 err_text(&why));
        log_event(LOG_LEVEL_ERROR, "sensor.above", log_err(&why));
        return new_tables(a, err);
}

void above_done(struct sensor *s)
{
        if (!s->above)
                return;
        table_free(s->above->known);
        table_free(s->above->trusted);
        buf_done(&s->above->path);
        buf_done(&s->above->encoded);
        free(s->above);
        s->above = NULL;
}

int above_start(struct sensor *s)
{
        char path[PATH_MAX];

        if (!s->above->damage[0])
                return 0;
        s->above->dirty = true;
        snprintf(path, sizeof path, "%s/%s", s->o.state_dir, file_name);
        return trusted_tell_own(s, path, s->above->damage);
}

void above_keep(struct sensor *s)
{
        struct snapshot_head head = { .taken_ns = sensor_wall(s) }, also = head;
        struct above *a = s->above;
        struct err err = { 0 };

        if (!a->dirty)
                return;
        a->dirty = snapshot_write(&io_kernel, s->state.dirfd, CHECK_ABOVE, config_rules(s),
                                  a->trusted, &also, &err) < 0 ||
                   snapshot_write(&io_kernel, s->state.dirfd, file_name, config_rules(s), a->known,
                                  &head, &err) < 0;
        if (a->dirty && !a->failed) /* it is tried again */
                log_event(LOG_LEVEL_WARNING, "sensor.above", log_err(&err));
        a->failed = a->dirty;
}

/* ---- looking ---- */

/* Of the profiles that it leads to the one that is strictest. */
static const struct watch_profile *profile_of(const struct watchset *w, struct span path)
{
        const struct watch_profile *best = watchset_way_profile(w, path), *p;

        for (size_t i = 0; i < w->n; i++) {
                if (w->rules[i].exclude ||
                    !path_within(span_of(w->rules[i].text.p, w->rules[i].base_n), path))
                        continue;
                p = w->profiles[w->rules[i].profile];
                if (!best || p->mode > best->mode)
                        best = p;
        }
        return best;
}

static int observe_rights(struct sensor *s, struct record *ret)
{
        CLEANUP_FD int fd = observe_open_dir(buf_span(&s->above->path));
        int rc = fd < 0 ? fd : observe(s->observer, fd, ".", ret, NULL);

        if (rc == 0)
                record_keep_rights(ret);
        return rc;
}

static int tell(struct sensor *s, const struct table_node *k, const struct record *is,
                const char *seen, struct who *who, int64_t wall_ns)
{
        struct change c = { .wall_ns = wall_ns,
                            .path = buf_span(&s->above->path),
                            .profile = profile_of(s->o.watch, buf_span(&s->above->path)),
                            .on_way = true,
                            .above = true,
                            .is = is,
                            .seen = seen,
                            .who = who,
                            .unknown = strcmp(seen, "live") == 0
                                               ? "no event named a process"
                                               : "seen by a scan, not as it happened" };
        struct record was;

        if (record_decode(table_record(k), &was, NULL) < 0)
                return -EBADMSG;
        was.ino = is->ino;
        c.was = &was;
        return change_differs(&c) ? tell_change(s, &c, SPAN_NONE) : 0;
}

static int trust(struct above *a, struct span path, struct span record, bool anew)
{
        struct table_node *t = table_make(a->trusted, path);

        if (!t)
                return -ENOMEM;
        return t->record && !anew ? 0 : table_set_record(a->trusted, t, record);
}

int above_look(struct sensor *s, const struct table_node *n, const char *seen, struct who *who,
               int64_t wall_ns)
{
        struct above *a = s->above;
        struct table_node *k;
        struct record is;
        int rc;

        buf_clear(&a->path);
        table_path(n, &a->path);
        if (buf_status(&a->path) < 0 || observe_rights(s, &is) < 0)
                return 0; /* gone, or not to be seen: what is below it tells */
        buf_clear(&a->encoded);
        record_encode(&is, &a->encoded);
        k = table_make(a->known, buf_span(&a->path));
        if (!k || buf_status(&a->encoded) < 0)
                return -ENOMEM;
        if (k->record && span_eq(table_record(k), buf_span(&a->encoded)))
                return 0;
        rc = k->record ? tell(s, k, &is, seen, who, wall_ns)
                       : trust(a, buf_span(&a->path), buf_span(&a->encoded), false);
        if (rc == 0)
                rc = table_set_record(a->known, k, buf_span(&a->encoded));
        a->dirty = true;
        return rc;
}

int above_scan(struct sensor *s, const struct table_node *n, const char *seen)
{
        struct table_handle h;

        if (table_handle_of(n, &h) && dirty_has(s->dirty, &h, SPAN_NONE))
                return 0;
        if (n->parent && table_handle_of(n->parent, &h) && dirty_has(s->dirty, &h, table_name(n)))
                return 0;
        return above_look(s, n, seen, NULL, sensor_wall(s));
}

/* ---- which one it is ---- */

static uint64_t inode_of(const struct table_node *n)
{
        struct record r;

        return n && n->record && record_decode(table_record(n), &r, NULL) == 0 ? r.ino : 0;
}

uint64_t above_inode(const struct sensor *s, struct span path)
{
        return inode_of(table_find(s->above->trusted, path));
}

static int trust_inode(struct above *a, struct table_node *t, uint64_t ino)
{
        struct record r;

        if (record_decode(table_record(t), &r, NULL) < 0)
                return -EBADMSG;
        r.ino = ino;
        buf_clear(&a->encoded);
        record_encode(&r, &a->encoded);
        a->dirty = true;
        return buf_status(&a->encoded) < 0 ? buf_status(&a->encoded)
                                           : table_set_record(a->trusted, t, buf_span(&a->encoded));
}

int above_rebase(struct sensor *s, bool (*differs)(void *ctx, struct span path), void *ctx)
{
        struct above *a = s->above;
        struct table_node *top = table_root(a->trusted), *n;
        int rc = 0;

        for (n = top; n && rc == 0; n = table_next(top, n)) {
                uint64_t is;

                if (!n->record)
                        continue;
                buf_clear(&a->path);
                table_path(n, &a->path);
                is = inode_of(table_find(a->known, buf_span(&a->path)));
                if (is && is != inode_of(n) && !differs(ctx, buf_span(&a->path)))
                        rc = trust_inode(a, n, is);
        }
        return rc;
}

static void forget(struct above *a, struct table *t)
{
        struct table_node *n = table_find(t, buf_span(&a->path));

        if (!n || !n->record)
                return;
        table_drop_record(t, n);
        a->dirty = true;
}

void above_forget(struct sensor *s, const struct table_node *n)
{
        struct above *a = s->above;

        buf_clear(&a->path);
        table_path(n, &a->path);
        if (buf_status(&a->path) < 0)
                return;
        forget(a, a->known);
        forget(a, a->trusted);
}

int above_accept(struct sensor *s, bool (*selected)(void *ctx, struct span path), void *ctx,
                 uint64_t *ret_n)
{
        struct above *a = s->above;
        struct table_node *top = table_root(a->known), *n;
        uint64_t accepted = 0;
        int rc = 0;

        for (n = top; n && rc == 0; n = table_next(top, n)) {
                const struct table_node *t;

                if (!n->record)
                        continue;
                buf_clear(&a->path);
                table_path(n, &a->path);
                t = table_find(a->trusted, buf_span(&a->path));
                if ((t && t->record && span_eq(table_record(t), table_record(n))) ||
                    !selected(ctx, buf_span(&a->path)))
                        continue;
                rc = trust(a, buf_span(&a->path), table_record(n), true);
                accepted++;
        }
        a->dirty = a->dirty || accepted;
        above_keep(s);
        *ret_n = accepted;
        return rc;
}
