/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_config.h"

#include "base/text.h"
#include "integrity/sensor/sensor_deep.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/watching/watch_entry.h"
#include "integrity/watching/watchset_same.h"
#include "loop/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        OWN_WHY_MAX = 384,
        ASKED_MS = 10000, /* for events from before: a file may be written for ever */
        AGAIN_MS = 20,
        DRAIN_BUFFERS = 64,
        DROP_OPS = 1 << 20, /* bytes of operations in one record of the journal */
};

/* ---- telling ---- */

static int tell_one(void *ctx, struct span skeleton)
{
        return tell_entry(ctx, skeleton);
}

static int tell_watch(struct sensor *s, const struct config *c, const char *event,
                      const char *reason, const struct watchset *before, uint64_t dropped)
{
        struct watch_facts f = { .wall_ns = sensor_wall(s),
                                 .config = c,
                                 .before = before,
                                 .event = event,
                                 .reason = reason,
                                 .dropped = dropped };

        log_event(reason ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "sensor.config",
                  log_str("event", event), log_str("from", c->from),
                  log_str("reason", reason ? reason : ""), log_u64("patterns", c->set.n),
                  log_u64("dropped", dropped));
        return watch_entries(&f, tell_one, s);
}

/* Whoever may write watch.yaml may blind the sensor: that less is seen than before is an alert, as
 * if the file were watched, which it may be no longer. */
static int tell_weaker(struct sensor *s, const struct watchset *before)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * (PATTERN_MAX + 1));
        struct span pattern = SPAN_NONE;
        const char *what = watchset_weaker(before, s->o.watch, &pattern);
        const char *slash = s->o.keys_file ? strrchr(s->o.keys_file, '/') : NULL;
        char why[OWN_WHY_MAX], path[PATH_MAX];

        if (!what)
                return 0;
        text_put_safe(&safe, pattern);
        snprintf(why, sizeof why, "less is watched than before: %.200s %s", buf_cstr(&safe), what);
        if (s->o.config->from[0] == '/' || !slash)
                snprintf(path, sizeof path, "%s", s->o.config->from);
        else
                snprintf(path, sizeof path, "%.*s/watch.yaml", (int)(slash - s->o.keys_file),
                         s->o.keys_file);
        return trusted_tell_own(s, path, why);
}

/* ---- what is no longer watched ---- */

static int list_unwatched(struct sensor *s, struct table_node ***ret, size_t *ret_n)
{
        struct table_node *top = table_root(s->table), **list = NULL, **p;
        size_t n_list = 0, max = 0;

        for (struct table_node *n = top; n; n = table_next(top, n)) {
                bool way = n->mark & TABLE_WAY;

                if (!n->record && !way)
                        continue;
                buf_clear(&s->path);
                table_path(n, &s->path);
                if (n->record ? watchset_knows(s->o.watch, buf_span(&s->path), table_record(n))
                              : watchset_leads(s->o.watch, buf_span(&s->path)))
                        continue;
                if (n_list == max) {
                        max = max ? 2 * max : 256;
                        p = realloc(list, max * sizeof(struct table_node *));
                        if (!p) {
                                free(list);
                                return -ENOMEM;
                        }
                        list = p;
                }
                list[n_list++] = n;
        }
        *ret = list;
        *ret_n = n_list;
        return 0;
}

/* Forget it, without an entry for each. */
static int drop_one(struct sensor *s, struct table_node *n, bool journal)
{
        int rc = 0;

        n->mark &= (uint8_t)~TABLE_WAY;
        if (journal && n->record) {
                buf_clear(&s->path);
                table_path(n, &s->path);
                journal_op_put(&s->ops, JOURNAL_DROP, buf_span(&s->path), SPAN_NONE);
                rc = buf_status(&s->ops);
                if (rc == 0 && s->ops.n >= DROP_OPS) {
                        rc = tell_silent(s, buf_span(&s->ops));
                        buf_clear(&s->ops);
                }
        }
        if (rc == 0)
                table_drop_record(s->table, n);
        return rc;
}

/* Records of paths that are no longer watched are of no use, and would look deleted. */
static int drop_unwatched(struct sensor *s, bool journal, uint64_t *ret_dropped)
{
        struct table_node **list = NULL;
        size_t n = 0, records = 0;
        int rc = list_unwatched(s, &list, &n);

        buf_clear(&s->ops);
        while (rc == 0 && n) { /* the last ones of a walk are the deepest */
                records += list[n - 1]->record ? 1 : 0;
                rc = drop_one(s, list[--n], journal);
        }
        if (rc == 0 && s->ops.n)
                rc = tell_silent(s, buf_span(&s->ops));
        free(list);
        *ret_dropped = records;
        return rc;
}

/* Marks of rules that are gone go; scan_mark() places those of the new ones. */
static int mark_anew(struct sensor *s)
{
        struct table_node *top = table_root(s->table), *next;
        int rc = 0;

        for (struct table_node *n = top; n; n = table_next(top, n))
                n->mark &= (uint8_t) ~(TABLE_ROOT | TABLE_ABOVE);
        rc = scan_mark(s->o.watch, s->table);
        for (struct table_node *n = top; n && rc == 0; n = next) {
                next = table_next(top, n);
                if (n == top || n->record || n->mark)
                        continue;
                rc = table_set_handle(s->table, n, NULL);
                if (rc == 0 && !n->child)
                        table_drop_record(s->table, n);
        }
        return rc;
}

/* ---- taking it ---- */

/* Look jobs have places of their own. */
static bool looks_run(const struct sensor *s)
{
        for (size_t i = 0; i < LOOK_JOBS; i++)
                if (s->look[i].place && s->look[i].place->wall_ns <= s->config.asked_ns)
                        return true;
        return false;
}

/* Has everything that happened before it was asked for been looked at? */
static int all_before_told(struct sensor *s, bool *ret)
{
        struct sensor_config *c = &s->config;
        int rc = 0;

        *ret = true;
        if (sensor_mono(s) >= c->deadline_ns) {
                log_event(LOG_LEVEL_WARNING, "sensor.config_late",
                          log_u64("waiting", dirty_count(s->dirty)));
                return 0;
        }
        if (!c->drained && out_room(s) && !dirty_full(s->dirty)) {
                rc = watch_read(s->watch, DRAIN_BUFFERS);
                c->drained = rc == 0;
        }
        *ret = c->drained && !dirty_since(s->dirty, c->asked_ns) && !looks_run(s);
        return MIN_OF(rc, 0);
}

static int begin_scan(struct sensor *s, unsigned loss)
{
        int64_t wall = sensor_wall(s);

        s->config.step = CONFIG_SCANS;
        s->config.extended = false;
        trusted_extend(s);
        scan_want(s, loss, wall, wall);
        return 0;
}

static int swap(struct sensor *s)
{
        struct sensor_config *c = &s->config;
        struct config old = *s->o.config;
        uint64_t dropped = 0;
        int rc;

        *s->o.config = c->next; /* where everybody has it from */
        c->next = (struct config){ 0 };
        c->has_next = false;
        s->o.refused[0] = '\0';
        if (watchset_same(&old.set, s->o.watch)) {
                rc = tell_watch(s, s->o.config, "unchanged", NULL, &old.set, 0);
                watch_set_rules(s->watch, s->o.watch);
                config_done(&old);
                c->step = CONFIG_SETTLED;
                restore_rebase(s);
                return rc;
        }
        c->before = old.set;
        old.set = (struct watchset){ 0 };
        config_done(&old);
        watch_set_rules(s->watch, s->o.watch);
        rc = drop_unwatched(s, true, &dropped);
        if (rc == 0)
                rc = mark_anew(s);
        if (rc == 0)
                rc = tell_watch(s, s->o.config, "changed", NULL, &c->before, dropped);
        if (rc == 0)
                rc = tell_weaker(s, &c->before);
        if (rc < 0)
                return rc;
        attempts_watch(s);
        deep_begin(s);
        remote_list_anew(s);
        return begin_scan(s, LOSS_CONFIG);
}

void sensor_configure(struct sensor *s, struct config *next)
{
        struct sensor_config *c = &s->config;

        config_done(&c->next);
        c->next = *next;
        *next = (struct config){ 0 };
        c->has_next = true;
}

int sensor_refuse(struct sensor *s, const struct config *c, const char *why)
{
        snprintf(s->o.refused, ERR_TEXT_MAX, "%s", why);
        return tell_watch(s, c, "refused", why, NULL, 0);
}

int config_work(struct sensor *s)
{
        struct sensor_config *c = &s->config;
        bool told = false;
        int rc;

        if (c->step == CONFIG_SETTLED && c->has_next) {
                c->step = CONFIG_ASKED;
                c->asked_ns = sensor_wall(s);
                c->deadline_ns = sensor_mono(s) + ASKED_MS * NS_PER_MS;
                c->drained = false;
        }
        if (c->step == CONFIG_SCANS && c->extended) {
                watchset_done(&c->before);
                c->renew = true;
                c->step = CONFIG_SETTLED;
                restore_rebase(s);
        }
        if (c->step != CONFIG_ASKED || s->phase != SENSOR_LIVE || s->loss_next || trusted_busy(s) ||
            !deep_rests(s))
                return 0;
        rc = all_before_told(s, &told);
        return rc == 0 && told ? swap(s) : rc;
}

int64_t config_due(const struct sensor *s)
{
        const struct sensor_config *c = &s->config;

        return c->step == CONFIG_ASKED || c->has_next || (c->step == CONFIG_SCANS && c->extended)
                       ? sensor_mono(s) + AGAIN_MS * NS_PER_MS
                       : -1;
}

void config_extended(struct sensor *s)
{
        s->config.extended = true;
        deny_trusted(s);
}

/* ---- at the start ---- */

int config_prepare(struct sensor *s)
{
        struct sensor_config *c = &s->config;

        if (s->found.source == STATE_NONE || watchset_same(&s->found.watched, s->o.watch))
                return 0;
        c->before = s->found.watched;
        s->found.watched = (struct watchset){ 0 };
        c->step = CONFIG_SCANS;
        return drop_unwatched(s, false, &c->dropped); /* the state is written anew after this */
}

int config_start(struct sensor *s)
{
        struct sensor_config *c = &s->config;
        int rc = 0;

        if (s->o.refused[0])
                rc = tell_watch(s, s->o.config, "refused", s->o.refused, NULL, 0);
        if (rc == 0 && s->found.source == STATE_NONE)
                rc = tell_watch(s, s->o.config, "set", NULL, NULL, 0);
        if (rc < 0 || c->step != CONFIG_SCANS)
                return rc;
        rc = tell_watch(s, s->o.config, "changed", NULL, &c->before, c->dropped);
        if (rc == 0)
                rc = tell_weaker(s, &c->before);
        return rc == 0 ? begin_scan(s, LOSS_CONFIG) : rc;
}

void config_free(struct sensor *s)
{
        config_done(&s->config.next);
        watchset_done(&s->config.before);
}

/* ---- questions ---- */

bool config_was_watched(const struct sensor *s, struct span path)
{
        return s->config.step != CONFIG_SCANS || watchset_way_profile(&s->config.before, path);
}

const struct watchset *config_rules(const struct sensor *s)
{
        return s->config.step == CONFIG_SCANS ? &s->config.before : s->o.watch;
}

const struct watchset *config_only_new(const struct sensor *s)
{
        return s->config.step == CONFIG_SCANS && s->loss == LOSS_CONFIG ? &s->config.before : NULL;
}
