/* SPDX-License-Identifier: Apache-2.0 */
/* live.c - the packages of what is deployed, generation after generation.  Floor 2.
 *
 *             readlinkat() says the same       0
 *   looking   another link, all of it good     1: served from now on
 *             another link, not good           negative, once; then as nothing new
 *
 * What could not be read - a file that is not there, no memory, too many files open - may get
 * better by itself: it is tried again after 1, 2, 4, ... 64 looks, without a word.  What was read
 * and is wrong stays so until the link changes. */
#include "package/registry/live_priv.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/text.h"

enum {
        PATH_TEXT_MAX = sizeof "packages/.assay" + 2 * PACKAGE_HASH,
        WAIT_MAX = 64, /* looks */
};

struct counted {
        struct generation g;
        unsigned refs;
};

struct live {
        int dirfd;
        const struct span *vkeys;
        size_t n_vkeys;
        struct generation *current;
        char link[LIVE_LINK_MAX]; /* what was seen last */
        int link_n;               /* its length, or why there is none */
        bool refused;             /* what it leads to is not served */
        bool again;               /* it may get better */
        unsigned wait, left;      /* looks between two tries, and until the next one */
        uint64_t number;          /* of the refused one; 0: not known */
        struct err why;
};

/* ---- generations ---- */

int generation_new(uint64_t number, struct package *const *packages, uint32_t n,
                   struct generation **ret)
{
        struct counted *c = calloc(1, sizeof *c);

        assert(n <= LIVE_APIS_MAX);
        if (!c)
                return -ENOMEM;
        c->refs = 1;
        c->g.number = number;
        c->g.n = n;
        for (uint32_t i = 0; i < n; i++) {
                assert(i == 0 ||
                       span_cmp(packages[i - 1]->config.name, packages[i]->config.name) < 0);
                c->g.package[i] = package_ref(packages[i]);
        }
        *ret = &c->g;
        return 0;
}

struct generation *generation_ref(struct generation *g)
{
        CONTAINER_OF(g, struct counted, g)->refs++;
        return g;
}

struct generation *generation_unref(struct generation *g)
{
        struct counted *c = g ? CONTAINER_OF(g, struct counted, g) : NULL;

        if (!c || --c->refs > 0)
                return NULL;
        for (uint32_t i = 0; i < g->n; i++)
                package_unref(g->package[i]);
        free(c);
        return NULL;
}

DEFINE_CLEANUP(struct generation, generation_unref)

static int by_api(const void *name, const void *package)
{
        const struct package *p = *(const struct package *const *)package;

        return span_cmp(*(const struct span *)name, p->file.api);
}

struct package *generation_package(const struct generation *g, struct span api)
{
        struct package *const *p =
                bsearch(&api, g->package, g->n, sizeof(struct package *), by_api);

        return p ? *p : NULL;
}

/* ---- opening one ---- */

static int open_file(const struct live *l, const char *path, struct package **ret, struct err *err)
{
        CLEANUP_FD int fd = io_kernel.open(NULL, l->dirfd, path,
                                           O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0);

        if (fd < 0)
                return err_sys(err, fd, "open");
        return package_open(fd, l->vkeys, l->n_vkeys, ret, err);
}

/* Is it the one that the generation names? */
static int check_package(const struct package *p, const struct live_api *a, struct err *err)
{
        if (memcmp(p->file.sha256, a->sha256, PACKAGE_HASH) != 0)
                return err_set(err, -EBADMSG, "its SHA-256 is not its name");
        if (!span_eq(p->file.api, a->name))
                return err_set(err, -EBADMSG, "it is of the API %.*s, not %.*s", (int)p->file.api.n,
                               (const char *)p->file.api.p, (int)a->name.n,
                               (const char *)a->name.p);
        if (!span_eq(p->file.version, a->version))
                return err_set(err, -EBADMSG, "it has the version %.*s, not %.*s",
                               (int)p->file.version.n, (const char *)p->file.version.p,
                               (int)a->version.n, (const char *)a->version.p);
        return 0;
}

/* The one that is served already, where it is the same. */
static struct package *known_package(const struct live *l, const struct live_api *a)
{
        struct package *p = l->current ? generation_package(l->current, a->name) : NULL;

        return p && check_package(p, a, NULL) == 0 ? package_ref(p) : NULL;
}

static int open_package(const struct live *l, const struct live_api *a, struct package **ret,
                        struct err *err)
{
        CLEANUP(package_unrefp) struct package *p = known_package(l, a);
        char path[PATH_TEXT_MAX + 1] = "packages/";
        int r = 0;

        if (!p) {
                text_hex(span_of(a->sha256, PACKAGE_HASH), path + strlen(path));
                memcpy(path + strlen(path), ".assay", sizeof ".assay");
                r = open_file(l, path, &p, err);
                if (r == 0)
                        r = check_package(p, a, err);
        }
        if (r < 0)
                return err_wrap(err, "%.*s: %s", (int)a->name.n, (const char *)a->name.p, path);
        *ret = p;
        p = NULL;
        return 0;
}

static int open_apis(const struct live *l, const struct live_api *apis, uint32_t n, uint64_t number,
                     struct generation **ret, struct err *err)
{
        struct counted *c = calloc(1, sizeof *c);
        CLEANUP(generation_unrefp) struct generation *g = c ? &c->g : NULL;
        int r = 0;

        if (!c)
                return err_set(err, -ENOMEM, "no memory for a generation");
        c->refs = 1;
        g->number = number;
        for (uint32_t i = 0; r == 0 && i < n; i++) {
                r = open_package(l, &apis[i], &g->package[i], err);
                g->n += r == 0;
        }
        if (r < 0)
                return r;
        *ret = g;
        g = NULL;
        return 0;
}

/* The number is what the link says. */
static int open_text(const struct live *l, struct span text, uint64_t number,
                     struct generation **ret, struct err *err)
{
        struct live_api apis[LIVE_APIS_MAX];
        uint64_t says;
        uint32_t n;
        int r = live_read(text, &says, apis, &n, err);

        if (r == 0 && says != number)
                r = err_set(err, -EBADMSG, "generation: it says %llu", (unsigned long long)says);
        return r < 0 ? r : open_apis(l, apis, n, number, ret, err);
}

static int open_generation(const struct live *l, uint64_t number, struct generation **ret,
                           struct err *err)
{
        char path[LIVE_LINK_MAX];
        uint8_t *text;
        size_t n;
        int r;

        live_link_text(number, path);
        r = io_read_file(&io_kernel, l->dirfd, path, LIVE_TEXT_MAX, &text, &n, err);
        if (r < 0)
                return r;
        r = open_text(l, span_of(text, n), number, ret, err);
        free(text);
        return r < 0 ? err_wrap(err, "%s", path) : 0;
}

/* ---- looking ---- */

int live_new(int dirfd, const struct span *vkeys, size_t n, struct live **ret)
{
        struct live *l = calloc(1, sizeof *l);

        if (!l)
                return -ENOMEM;
        l->dirfd = dirfd;
        l->link_n = -ENOENT; /* nothing deployed is nothing new */
        l->vkeys = vkeys;
        l->n_vkeys = n;
        *ret = l;
        return 0;
}

struct live *live_free(struct live *l)
{
        if (l)
                generation_unref(l->current);
        free(l);
        return NULL;
}

/* Whether the verdict may be another one the next time, with the same link. */
static bool may_get_better(int r)
{
        switch (r) {
        case -EBADMSG:
        case -EINVAL:
        case -ENOKEY:
        case -E2BIG:
        case -EFBIG:
        case -EPROTONOSUPPORT:
                return false;
        default:
                return true;
        }
}

/* What the link leads to; 1: it is served now. */
static int try(struct live *l, struct err *err)
{
        struct generation *g;
        int r;

        l->number = 0;
        if (l->link_n < 0)
                return err_sys(err, l->link_n, "current");
        if (!live_link_number(span_of(l->link, (size_t)l->link_n), &l->number))
                return err_set(err, -EBADMSG, "current: leads to no generation");
        r = open_generation(l, l->number, &g, err);
        if (r < 0)
                return r;
        generation_unref(l->current);
        l->current = g;
        return 1;
}

static int judge(struct live *l, struct err *err)
{
        int r;

        l->why = (struct err){ 0 };
        r = try(l, &l->why);
        l->refused = r < 0;
        l->again = r < 0 && may_get_better(r);
        l->left = l->wait;
        return r < 0 ? err_set(err, r, "%s", l->why.text) : r;
}

static bool is_new(const struct live *l, const char *link, int n)
{
        return n != l->link_n || (n > 0 && memcmp(link, l->link, (size_t)n) != 0);
}

int live_look(struct live *l, struct err *err)
{
        char link[LIVE_LINK_MAX];
        int n = live_link_read(l->dirfd, link);

        if (is_new(l, link, n)) {
                memcpy(l->link, link, n < 0 ? 0 : (size_t)n);
                l->link_n = n;
                l->wait = 1;
                return judge(l, err);
        }
        if (!l->again || --l->left > 0)
                return 0;
        l->wait = MIN_OF(2 * l->wait, (unsigned)WAIT_MAX);
        return judge(l, NULL) > 0;
}

struct generation *live_current(const struct live *l)
{
        return l->current;
}

bool live_refused(const struct live *l, uint64_t *ret_generation, const char **ret_why)
{
        if (l->refused) {
                *ret_generation = l->number;
                *ret_why = err_text(&l->why);
        }
        return l->refused;
}
