/* SPDX-License-Identifier: Apache-2.0 */
/* What package transactions explain, and what waits until they can. */
#include "integrity/sensor/sensor_package_priv.h"

#include "integrity/why/package.h"

enum {
        HOLD_MS = 100,     /* between two looks whether package files are read */
        SCRIPT_HOLD_S = 5, /* at most, until the script that did it was looked at */
};

void package_judged(struct sensor *s, const struct change *c, const struct why *why)
{
        info_judged(s, c, why);
        for (struct package_run *r = s->packages; r; r = r->older) {
                bool own = c->who && packages_actors(r->table, c) > PACKAGE_BY_UNKNOWN;

                if (!own)
                        continue;
                if (why->state == WHY_UNEXPLAINED) {
                        r->unexplained++;
                        packages_doubt(r->table, c);
                } else {
                        r->explained++;
                }
                return;
        }
}

bool package_is_of_any(const struct sensor *s, const struct who *who)
{
        for (const struct package_run *r = s->packages; r; r = r->older)
                if (packages_actor(r->table, who) >= PACKAGE_BY_SCRIPT)
                        return true;
        return false;
}

/* One of its own, and nobody but those and others'. */
static bool all_own(const struct package_run *r, struct who *const *by)
{
        bool own = false;

        for (size_t i = 0; i < DIRTY_AUTHORS && by[i]; i++) {
                if (!package_is_of_any(r->sensor, by[i]))
                        return false;
                own |= packages_actor(r->table, by[i]) >= PACKAGE_BY_SCRIPT;
        }
        return own;
}

/* What is undone before it is looked at must be told all the same: waiting hides nothing. */
static void owe_look(struct sensor *s, const struct dirty_place *p)
{
        struct table_node *dir, *n;

        if (p->name_n == 0 || p->what == DIRTY_CHECK)
                return;
        for (unsigned i = 0; (dir = look_nth(s, &p->dir->h, i)); i++) {
                n = table_child(s->table, dir, span_of(p->name, p->name_n));
                if (n && n->record && !table_is_dir(n))
                        n->mark |= TABLE_OWED;
        }
}

/* Was what this one does begun by a script that was itself touched, and not looked at since? */
static bool script_waits(const struct sensor *s, const struct package_run *r, const struct who *who)
{
        struct span script = who ? package_script_of(r->table, who) : SPAN_NONE;

        return script.n && info_waits(s, script);
}

static bool holds(const struct sensor *s, const struct package_run *r, const struct dirty_place *p)
{
        if (r->state == PACKAGE_READING && all_own(r, p->by))
                return true;
        if (sensor_mono(s) >= p->since_ns + SCRIPT_HOLD_S * NS_PER_S)
                return false;
        for (size_t i = 0; i < DIRTY_AUTHORS && p->by[i]; i++)
                if (script_waits(s, r, p->by[i]))
                        return true;
        return false;
}

bool package_holds(struct sensor *s, struct dirty_place *p)
{
        int64_t now = sensor_mono(s);

        for (const struct package_run *r = s->packages; r; r = r->older)
                if (holds(s, r, p)) {
                        if (r->state == PACKAGE_READING)
                                owe_look(s, p);
                        dirty_put_back(s->dirty, p, now, now + HOLD_MS * NS_PER_MS);
                        return true;
                }
        return false;
}

bool package_unfollowed(const struct sensor *s, struct span from, const struct who *who)
{
        char out[PACKAGE_PATH_MAX + 1];
        struct span name;

        for (const struct package_run *r = s->packages; r; r = r->older)
                if (r->state != PACKAGE_GATHERING &&
                    packages_actor(r->table, who) >= PACKAGE_BY_SCRIPT)
                        return r->state == PACKAGE_READING || package_work_name(from, out, &name) ||
                               script_waits(s, r, who);
        return false;
}

bool package_did(const struct sensor *s, const struct change *c)
{
        for (const struct package_run *r = s->packages; r; r = r->older) {
                enum package_actor a = packages_actors(r->table, c);

                if (a == PACKAGE_BY_UNKNOWN || a >= PACKAGE_BY_SCRIPT)
                        return true;
        }
        return false;
}

bool packages_own(const struct sensor *s, struct span path)
{
        return packages_have(package_table(s), path);
}
