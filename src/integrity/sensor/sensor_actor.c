/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_actor.c - was the program that did it the one that is trusted at its path?
 *
 * Asked twice.  When a process executes a file: what lies there later, after an upgrade, is not
 * what it runs.  And when it has changed something: by then what was done to the file before is
 * known. */
#include "integrity/sensor/sensor_priv.h"

static const struct table_node *known_at(const struct sensor *s, struct span exe, struct record *r)
{
        const struct table_node *n = table_find(s->table, exe);

        if (!n || n->record_n == 0 || record_decode(table_record(n), r, NULL) < 0 ||
            r->type != RECORD_FILE)
                return NULL;
        return n;
}

/* A filesystem without a device of its own may have one number for its files and another for their
 * states: there the inode decides. */
static bool is_file(const struct record *r, uint64_t dev, uint64_t ino)
{
        return r->ino == ino && (r->dev >> 32 == 0 || r->dev == dev);
}

static enum procs_file on_executed(void *ctx, struct span exe, uint64_t dev, uint64_t ino)
{
        const struct sensor *s = ctx;
        const struct table_node *n;
        struct record r;

        n = known_at(s, exe, &r);
        if (!n)
                return PROCS_FILE_UNKNOWN;
        if (!is_file(&r, dev, ino))
                return PROCS_FILE_OTHER;
        return n->mark & TABLE_DOUBT ? PROCS_FILE_DOUBTED : PROCS_FILE_TRUSTED;
}

/* Does an event wait that may tell of another content? */
static bool is_looked_at(const struct sensor *s, const struct table_node *n)
{
        struct table_handle dir;

        if (!table_handle_of(n->parent, &dir))
                return false;
        for (size_t i = 0; i < LOOK_JOBS; i++) {
                const struct dirty_place *p = s->look[i].place;

                if (p && table_handle_eq(&p->dir->h, &dir) &&
                    span_eq(span_of(p->name, p->name_n), table_name(n)))
                        return true;
        }
        return dirty_has(s->dirty, &dir, table_name(n));
}

bool actor_ran_trusted(void *ctx, struct span exe, const struct who_exe *file)
{
        const struct sensor *s = ctx;
        const struct table_node *n;
        struct record r;

        n = known_at(s, exe, &r);
        if (!n)
                return true;
        if (file->file == PROCS_FILE_DOUBTED || is_looked_at(s, n))
                return false;
        if (file->ino && !is_file(&r, file->dev, file->ino))
                return file->file == PROCS_FILE_TRUSTED;
        return !(n->mark & TABLE_DOUBT);
}

void actor_init(struct sensor *s)
{
        who_ask_file(s->who, on_executed, s);
}

void actor_done(struct sensor *s)
{
        if (s->who)
                who_ask_file(s->who, NULL, NULL);
}
