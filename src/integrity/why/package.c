/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_priv.h"

#include "integrity/watching/watchset.h"
#include "integrity/why/apt_chain.h"
#include "integrity/why/package_info.h"
#include "sys/crc32c.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 1024 };

static const char *const actions[PACKAGE_ACTIONS] = {
        [PACKAGE_INSTALL] = "install", [PACKAGE_REINSTALL] = "reinstall",
        [PACKAGE_UPGRADE] = "upgrade", [PACKAGE_DOWNGRADE] = "downgrade",
        [PACKAGE_REMOVE] = "remove",   [PACKAGE_CONFIGURE] = "configure",
};

const char *package_action_name(enum package_action a)
{
        return actions[a];
}

int package_action_by_name(struct span name)
{
        for (int i = 0; i < PACKAGE_ACTIONS; i++)
                if (span_eq_str(name, actions[i]))
                        return i;
        return -EINVAL;
}

int packages_new(pid_t root, unsigned merged, const struct watchset *watch, struct packages **ret,
                 struct err *err)
{
        struct packages *p = calloc(1, sizeof *p);

        if (!p)
                return err_set(err, -ENOMEM, "out of memory for packages");
        p->root = root;
        p->merged = merged;
        p->watch = watch;
        p->arena = ARENA_INIT(PACKAGES_BYTES_MAX);
        *ret = p;
        return 0;
}

struct packages *packages_free(struct packages *p)
{
        if (!p)
                return NULL;
        if (p->older && p->older->newer == p)
                p->older->newer = NULL;
        arena_done(&p->arena);
        free(p->at);
        free(p->paths);
        free(p->bucket);
        free(p);
        return NULL;
}

void packages_set_older(struct packages *p, struct packages *older)
{
        if (p->older && p->older->newer == p)
                p->older->newer = NULL;
        p->older = older;
        if (older)
                older->newer = p;
}

void packages_set_changed(struct packages *p, package_changed_fn *fn, void *ctx)
{
        p->is_changed = fn;
        p->is_changed_ctx = ctx;
}

size_t packages_count(const struct packages *p)
{
        return p->n;
}

struct package *packages_at(struct packages *p, size_t i)
{
        assert(i < p->n);
        return &p->at[i];
}

/* ---- packages ---- */

/* Room for one more of n; *max is how many there is room for. */
static void *grow(void *p, size_t n, size_t *max, size_t size)
{
        size_t more = MAX_OF(2 * *max, (size_t)16);
        void *q;

        if (n < *max)
                return p;
        q = realloc(p, more * size);
        if (q)
                *max = more;
        return q;
}

/* Printable ASCII, so that it stands in an entry as it is. */
static bool name_ok(struct span s, size_t min)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
                        return false;
        return s.n >= min && s.n <= PACKAGE_FIELD_MAX;
}

static const char *copy(struct packages *p, struct span s)
{
        return s.n ? arena_copy(&p->arena, s) : "";
}

int packages_add(struct packages *p, const struct package_name *n, struct err *err)
{
        struct package *x;

        if (!name_ok(n->name, 1) || !name_ok(n->arch, 0) || !name_ok(n->from, 0) ||
            !name_ok(n->to, 0) || n->path.n > PACKAGE_PATH_MAX ||
            (n->path.n && (n->path.p[0] != '/' || memchr(n->path.p, '\0', n->path.n))))
                return err_set(err, -EINVAL, "package %zu: no name, version, architecture or path",
                               p->n);
        if (p->n == PACKAGES_MAX)
                return err_set(err, -E2BIG, "more than %d packages", PACKAGES_MAX);
        x = grow(p->at, p->n, &p->max, sizeof *x);
        if (!x)
                return err_set(err, -ENOMEM, "out of memory for packages");
        p->at = x;
        x += p->n;
        *x = (struct package){ .action = n->action,
                               .has_file = n->path.n > 0,
                               .name = copy(p, n->name),
                               .arch = copy(p, n->arch),
                               .from = copy(p, n->from),
                               .to = copy(p, n->to),
                               .path = copy(p, n->path),
                               .release = "",
                               .suite = "",
                               .codename = "",
                               .fingerprint = "",
                               .why = "" };
        if (!x->name || !x->arch || !x->from || !x->to || !x->path)
                return err_set(err, -ENOMEM, "no room for the names of packages");
        p->n++;
        return 0;
}

/* ---- paths ---- */

const struct package_path *package_path_find(const struct packages *p, struct span path,
                                             const struct package_path *after)
{
        uint32_t hash = crc32c(0, path), i;

        if (p->n_buckets == 0)
                return NULL;
        i = after ? after->next : p->bucket[hash % p->n_buckets];
        for (; i; i = p->paths[i - 1].next) {
                const struct package_path *e = &p->paths[i - 1];

                if (e->hash == hash && span_eq(span_of(e->path, e->n), path))
                        return e;
        }
        return NULL;
}

bool package_path_is_conffile(const struct packages *p, const struct package_path *e)
{
        const struct package_path *x = NULL;

        while ((x = package_path_find(p, span_of(e->path, e->n), x)))
                if (x->kind == PATH_CONFFILE && x->package == e->package)
                        return true;
        return false;
}

bool packages_next_path(const struct packages *p, size_t *at, struct span *ret_path,
                        const struct package **ret)
{
        while (*at < p->n_paths) {
                const struct package_path *e = &p->paths[(*at)++];

                if (e->kind != PATH_LISTED && (e->kind != PATH_FILE || e->type == DEB_DIR))
                        continue;
                *ret_path = span_of(e->path, e->n);
                *ret = &p->at[e->package];
                return true;
        }
        return false;
}

static void hang_in(struct packages *p, size_t i)
{
        uint32_t *b = &p->bucket[p->paths[i].hash % p->n_buckets];

        p->paths[i].next = *b;
        *b = (uint32_t)i + 1;
}

static int widen(struct packages *p)
{
        uint32_t n = MAX_OF(2 * p->n_buckets, (uint32_t)BUCKETS_MIN);
        uint32_t *b;

        if (p->n_paths < p->n_buckets)
                return 0;
        b = calloc(n, sizeof *b);
        if (!b)
                return -ENOMEM;
        free(p->bucket);
        p->bucket = b;
        p->n_buckets = n;
        for (size_t i = 0; i < p->n_paths; i++)
                hang_in(p, i);
        return 0;
}

/* The same path of the same package twice: the last is what dpkg leaves. */
static struct package_path *find_own(struct packages *p, struct span path, size_t i,
                                     enum path_kind kind)
{
        const struct package_path *x = NULL;

        while ((x = package_path_find(p, path, x)))
                if (x->package == i && x->kind == kind)
                        return &p->paths[x - p->paths];
        return NULL;
}

/* 1: *ret is where it goes.  0: nobody watches it. */
static int make_path(struct packages *p, size_t i, const char *path, enum path_kind kind,
                     struct package_path **ret)
{
        char merged[DEB_FACT_PATH_MAX + 1];
        struct package_path *x;
        struct span s;

        if (deb_merged_path(path, p->merged, merged) < 0)
                return 0;
        s = span_str(merged);
        if (kind != PATH_CONTROL && !watchset_covers(p->watch, s))
                return 0;
        *ret = find_own(p, s, i, kind);
        if (*ret)
                return 1;
        if (p->n_paths == PACKAGES_PATHS_MAX)
                return -E2BIG;
        x = grow(p->paths, p->n_paths, &p->max_paths, sizeof *x);
        if (!x)
                return -ENOMEM;
        p->paths = x;
        if (widen(p) < 0)
                return -ENOMEM;
        x += p->n_paths;
        *x = (struct package_path){ .package = (uint32_t)i,
                                    .kind = (uint8_t)kind,
                                    .hash = crc32c(0, s),
                                    .n = (uint16_t)s.n,
                                    .path = arena_copy(&p->arena, s) };
        if (!x->path)
                return -E2BIG;
        hang_in(p, p->n_paths++);
        *ret = x;
        return 1;
}

int packages_listed(struct packages *p, size_t i, const char *path)
{
        struct package_path *x;
        int rc = make_path(p, i, path, PATH_LISTED, &x);

        return MIN_OF(rc, 0);
}

static int take_file(struct packages *p, size_t i, const struct deb_fact *f)
{
        struct package_path *x;
        int rc = make_path(p, i, f->path, PATH_FILE, &x);

        p->at[i].files++;
        if (rc <= 0)
                return rc;
        p->at[i].watched++;
        x->type = (uint8_t)f->type;
        x->mode = f->mode;
        x->uid = f->uid;
        x->gid = f->gid;
        x->rdev = (uint64_t)f->major << 32 | f->minor;
        memcpy(x->sha256, f->sha256, sizeof x->sha256);
        x->target = f->type == DEB_SYMLINK ? copy(p, span_str(f->target)) : "";
        return x->target ? 0 : -E2BIG;
}

/* dpkg keeps no file whose name has a dot in it, and control elsewhere. */
static int take_control(struct packages *p, size_t i, const struct deb_fact *f)
{
        char path[PACKAGE_INFO_MAX];
        int n = snprintf(path, sizeof path, PACKAGE_INFO_DIR "%s.%s", p->at[i].name, f->name);
        struct package_path *x;
        int rc;

        if (n < 0 || (size_t)n >= sizeof path || strpbrk(f->name, "./") ||
            strcmp(f->name, "control") == 0)
                return 0;
        rc = make_path(p, i, path, PATH_CONTROL, &x);
        if (rc > 0)
                memcpy(x->sha256, f->sha256, sizeof x->sha256);
        return MIN_OF(rc, 0);
}

/* What the hook said is what the file holds. */
static bool is_named(const struct package *x, const struct deb_fact *f)
{
        return strcmp(x->name, f->package) == 0 && strcmp(x->to, f->version) == 0 &&
               (strcmp(x->arch, f->architecture) == 0 || strcmp(f->architecture, "all") == 0);
}

int packages_fact(struct packages *p, size_t i, const struct deb_fact *f)
{
        struct package *x = packages_at(p, i);
        struct package_path *e;
        int rc;

        switch (f->kind) {
        case DEB_FACT_PACKAGE:
                return is_named(x, f) ? 0 : -EBADMSG;
        case DEB_FACT_CONTROL:
                return take_control(p, i, f);
        case DEB_FACT_CONFFILE:
                rc = f->remove ? 0 : make_path(p, i, f->path, PATH_CONFFILE, &e);
                return MIN_OF(rc, 0);
        case DEB_FACT_FILE:
                return take_file(p, i, f);
        case DEB_FACT_WHOLE:
                memcpy(x->sha256, f->sha256, sizeof x->sha256);
                x->has_hash = true;
                return 0;
        }
        return -EBADMSG;
}

/* ---- verdicts on package files ---- */

static void unproved(struct packages *p, struct package *x, const char *why)
{
        const char *text = arena_copy(&p->arena, span_of(why, strnlen(why, PACKAGE_WHY_MAX)));

        x->trust = PACKAGE_UNPROVED;
        x->why = text ? text : "it could not be read";
}

void packages_read(struct packages *p, size_t i, const char *why)
{
        struct package *x = packages_at(p, i);

        if (!why && !x->has_hash)
                why = "its reader told no hash";
        if (why) {
                x->has_hash = false; /* of bytes that say nothing */
                unproved(p, x, why);
        }
}

static void take_word(struct packages *p, struct package *x, const struct chain_result *r)
{
        x->chain = chain_status_name(r->status);
        x->reason = chain_reason_name(r->reason);
        x->expired = r->expired;
        x->trusted_anyway = r->trusted;
        x->release = copy(p, span_str(r->release));
        x->suite = copy(p, span_str(r->suite));
        x->codename = copy(p, span_str(r->codename));
        x->fingerprint = copy(p, span_str(r->fingerprint));
        if (!x->release || !x->suite || !x->codename || !x->fingerprint) {
                x->release = x->suite = x->codename = x->fingerprint = "";
                unproved(p, x, "no room for the name of its Release");
        } else if (r->status == CHAIN_SIGNED) {
                x->trust = PACKAGE_SIGNED;
        } else {
                unproved(p, x, r->why[0] ? r->why : x->reason);
        }
}

void packages_chained(struct packages *p, const struct chain_result *r)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->at[i].has_hash && p->at[i].trust == PACKAGE_UNREAD &&
                    memcmp(p->at[i].sha256, r->sha256, sizeof r->sha256) == 0)
                        take_word(p, &p->at[i], r);
}

void packages_unchained(struct packages *p, const char *why)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->at[i].has_file && p->at[i].trust == PACKAGE_UNREAD)
                        unproved(p, &p->at[i], why);
}
