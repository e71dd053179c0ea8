/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - see worker.h. */
#include "nginx/worker_priv.h"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>

#include <openssl/rand.h>

#include "nginx/rights.h"
#include "nginx/zone.h"
#include "sys/io.h"
#include "sys/sysclock.h"

enum {
        LOOK_MS = 1000, /* between looks at what is deployed, keys and counted refusals */
        SAY_EVERY = 15, /* looks */
        TOKENS_REMEMBERED = 16384,
        FOLD_MEMORY = 1 << 20,
        KEPT_BLOCK = 1 << 20,
        KEPT_MEMORY = 16 << 20,
};

static struct own *own;

struct worker *worker_here(void)
{
        return own ? &own->w : NULL;
}

int64_t worker_now_ns(void)
{
        return clock_wall(&sysclock);
}

/* ---- generations ---- */

static enum meters_fault fault_of(int rc)
{
        static const struct {
                int code;
                enum meters_fault fault;
        } rows[] = { { -ENOKEY, METERS_FAULT_SIGNATURE },
                     { -ENOMEM, METERS_FAULT_MEMORY },
                     { -EOPNOTSUPP, METERS_FAULT_UNSUPPORTED },
                     { -EPROTONOSUPPORT, METERS_FAULT_UNSUPPORTED } };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].code == rc)
                        return rows[i].fault;
        return METERS_FAULT_FILE;
}

static void not_served(struct own *o, uint64_t number, int rc, const char *why)
{
        o->not_served_number = number;
        o->fault = fault_of(rc);
        (void)ngx_cpystrn((u_char *)o->not_served, (u_char *)(uintptr_t)why, sizeof(o->not_served));
        if (again_failed(&o->again))
                ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                              "assay: generation %uL is not served, the one before stays: %s",
                              number, why);
}

/* Calls that have begun end with the generation they began with. */
static void serve_by(struct own *o, struct generation *g)
{
        struct backends *backends = NULL;
        struct serving *s = NULL;
        struct err err = { 0 };
        int rc = serving_new(&o->w.gateway, g, &s, &err);

        if (rc == 0)
                rc = backends_new(g, o->w.backends, ngx_cycle->log, &backends, &err);
        if (rc < 0) {
                serving_unref(s);
                not_served(o, g->number, rc, err_text(&err));
                return;
        }
        serving_unref(o->w.serving);
        backends_unref(o->w.backends);
        o->w.serving = s;
        o->w.backends = backends;
        o->not_served[0] = '\0';
        o->again = (struct again){ 0 };
        o->loaded_s = ngx_time();
        zone_deployed(o->w.settings->zone, g->number);
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "assay: generation %uL is served",
                      g->number);
}

static void look_at_generation(struct own *o)
{
        struct err err = { 0 };
        uint64_t number = 0;
        const char *why = "";
        int rc = live_look(o->live, &err);

        if (rc > 0)
                o->again = (struct again){ 0 };
        if (rc > 0 || (rc == 0 && again_due(&o->again))) {
                serve_by(o, live_current(o->live));
        } else if (rc < 0 && live_refused(o->live, &number, &why)) {
                o->fault = fault_of(rc);
                ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                              "assay: generation %uL is not served, the one before stays: %s",
                              number, why);
        }
}

/* ---- now and then ---- */

/* Refusals that were counted instead of told one by one. */
static void tell_folded(struct own *o, bool all)
{
        struct records records;
        struct err err = { 0 };
        int rc;

        do {
                arena_reset(&o->fold_arena);
                rc = record_fold_due(o->w.gateway.fold, worker_now_ns(), all, &o->fold_arena,
                                     &records, &err);
                if (rc > 0)
                        journal_tell(o->w.journal, &records);
        } while (rc > 0);
        if (rc < 0)
                ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "assay: refused calls: %s",
                              err_text(&err));
}

/* Any call that says whether there is such a process: this one is let through by the sandbox.  The
 * room is for all processors that a kernel can have. */
static bool lives(int64_t pid)
{
        static cpu_set_t processors[64];

        return sched_getaffinity((pid_t)pid, sizeof(processors), processors) == 0 || errno != ESRCH;
}

/* A worker that was killed had counted refusals that it can tell no more. */
static void tell_left(struct own *o, const uint64_t left[REFUSED_REASONS])
{
        struct records records;
        struct err err = { 0 };

        for (size_t i = 0; i < REFUSED_REASONS; i++) {
                if (left[i] == 0)
                        continue;
                arena_reset(&o->fold_arena);
                if (record_folded((enum refusal_reason)i, left[i], worker_now_ns(), &o->fold_arena,
                                  &records, &err) == 0)
                        journal_tell(o->w.journal, &records);
                else
                        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "assay: refused calls: %s",
                                      err_text(&err));
        }
}

static void inherit(struct own *o)
{
        uint64_t left[REFUSED_REASONS] = { 0 };

        meters_inherit(o->w.meters, lives, left);
        tell_left(o, left);
}

static void take_place(struct own *o)
{
        uint64_t left[REFUSED_REASONS] = { 0 };
        uint64_t *untold = meters_untold(o->w.meters, (uint32_t)ngx_process_slot, ngx_pid, left);

        record_fold_keep_in(o->w.gateway.fold, untold);
        tell_left(o, left);
        inherit(o);
}

static void on_look(ngx_event_t *ev)
{
        struct own *o = ev->data;

        keyring_look(o->w.keyring, &o->w.gateway.keys);
        look_at_generation(o);
        tell_folded(o, false);
        worker_say(&o->w);
        if (ngx_worker == 0) {
                meters_remember(o->w.meters, ngx_time());
                zone_sweep(o->w.settings->zone, worker_now_ns(), &o->swept);
                inherit(o); /* one that is killed as it ends has nobody in its place */
        }
        worker_say_status(o, ++o->looks % SAY_EVERY == 0);
        ngx_add_timer(ev, LOOK_MS);
}

/* ---- beginning, end ---- */

/* What a call gives back is the next one's: the system is not asked to take and clear it each time.
 */
static void keep_memory(void)
{
        (void)mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK);
        (void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
}

/* Drawn for many calls at once, in this process alone: it is forked before it starts. */
static void make_random(uint8_t *out, size_t n)
{
        static uint8_t drawn[1024];
        static size_t left;

        assert(n <= sizeof(drawn));
        if (left < n) {
                if (RAND_bytes(drawn, sizeof(drawn)) != 1)
                        abort(); /* an id that is not random would be somebody else's */
                left = sizeof(drawn);
        }
        left -= n;
        memcpy(out, drawn + left, n);
}

static int open_registry(struct own *o, struct err *err)
{
        const struct settings *s = o->w.settings;
        int fd = open((const char *)s->registry.data, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return err_sys(err, -errno, "assay_registry: %s", (const char *)s->registry.data);
        /* fd stays open for as long as the process lives */
        if (live_new(fd, s->vkeys->elts, s->vkeys->nelts, &o->live) < 0)
                return err_sys(err, -ENOMEM, "generations");
        return 0;
}

static int fill_gateway(struct own *o, struct err *err)
{
        struct gateway *g = &o->w.gateway;

        o->w.meters = zone_meters(o->w.settings->zone);
        o->w.lane = meters_lane(o->w.meters, (uint32_t)ngx_worker);
        g->limits = zone_limits(o->w.settings->zone);
        g->cache = zone_cache(o->w.settings->zone);
        g->lock = zone_lock;
        g->unlock = zone_unlock;
        g->meters = o->w.meters;
        g->ctx = o->w.settings->zone;
        g->random = make_random;
        g->kept = &o->kept;
        memcpy(g->hash_key, o->w.settings->hash_key, sizeof(g->hash_key));
        if (keyring_new(o->w.settings, ngx_cycle->log, &o->w.keyring) < 0 ||
            record_fold_new(&g->fold) < 0 || jwt_memory_new(TOKENS_REMEMBERED, &g->keys.memory) < 0)
                return err_sys(err, -ENOMEM, "gateway");
        return 0;
}

static int start(struct own *o, struct err *err)
{
        int rc = open_registry(o, err);

        if (rc == 0)
                rc = fill_gateway(o, err);
        if (rc == 0)
                rc = journal_new((const char *)o->w.settings->recorder.data, ngx_cycle->log,
                                 &o->w.journal, err);
        if (rc == 0) {
                take_place(o);
                rc = rights_give_up(o->w.settings, &o->sandbox, err);
        }
        if (rc < 0)
                return rc;
        keyring_give(o->w.keyring, &o->w.gateway.keys);
        look_at_generation(o);
        o->look.data = o;
        o->look.handler = on_look;
        o->look.log = ngx_cycle->log;
        o->look.cancelable = 1;
        ngx_add_timer(&o->look, LOOK_MS);
        return 0;
}

ngx_int_t worker_start(ngx_cycle_t *cycle)
{
        const struct settings *s = settings_of(cycle);
        struct err err = { 0 };

        if (!s || !s->used || ngx_process == NGX_PROCESS_HELPER)
                return NGX_OK;
        own = calloc(1, sizeof(*own));
        if (!own)
                return NGX_ERROR;
        keep_memory();
        own->locked = rights_lock_memory();
        own->w.settings = s;
        own->fold_arena = ARENA_INIT(FOLD_MEMORY);
        if (start(own, &err) < 0) {
                ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "assay: %s", err_text(&err));
                return NGX_ERROR;
        }
        worker_say(&own->w);
        worker_say_status(own, true);
        return NGX_OK;
}

/* Calls that were not finished keep what is theirs: the process ends. */
void worker_stop(ngx_cycle_t *cycle)
{
        struct own *o = own;

        if (!o)
                return;
        tell_folded(o, true);
        meters_leave(o->w.meters, (uint32_t)ngx_process_slot);
        o->w.journal = journal_free(o->w.journal, ngx_exiting);
        if (o->look.timer_set)
                ngx_del_timer(&o->look);
        backends_close(o->w.backends);
        kept_done(&o->kept);
        ngx_explicit_memzero(o->w.gateway.hash_key, sizeof(o->w.gateway.hash_key));
        own = NULL;
}

/* ---- the master ---- */

ngx_int_t worker_prepare(ngx_cycle_t *cycle)
{
        const struct settings *s = settings_of(cycle);
        struct err err = { 0 };

        if (!s || !s->used || ngx_test_config || worker_status_is_open())
                return NGX_OK;
        rights_allow_locks();
        if (worker_open_status(s, &err) < 0)
                ngx_log_error(NGX_LOG_WARN, cycle->log, 0, "assay: no gateway.status: %s",
                              err_text(&err));
        return NGX_OK;
}
