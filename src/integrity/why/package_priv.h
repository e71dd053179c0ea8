/* SPDX-License-Identifier: Apache-2.0 */
/* package_priv.h - what package.c (filling) and package_explain.c (asking) share.  Floor 3. */
#ifndef INTEGRITY_PACKAGE_PRIV_H
#define INTEGRITY_PACKAGE_PRIV_H

#include "base/arena.h"
#include "integrity/why/package.h"
#include "wire/deb_fact.h"

enum path_kind {
        PATH_FILE,     /* the package file holds this */
        PATH_CONFFILE, /* and it is a conffile */
        PATH_LISTED,   /* dpkg listed it before */
        PATH_CONTROL,  /* package_info.h: control.tar holds it, here without its architecture */
};

struct package_path {
        uint32_t next; /* in its bucket: index + 1 */
        uint32_t hash;
        uint32_t package;
        uint16_t n;
        uint8_t kind; /* enum path_kind */
        uint8_t type; /* enum deb_type; of a FILE, as what follows */
        uint32_t mode, uid, gid;
        uint64_t rdev;
        const char *path;
        const char *target;
        uint8_t sha256[DEB_FACT_HASH];
};

struct packages {
        struct packages *older, *newer;
        pid_t root;
        unsigned merged;
        const struct watchset *watch;
        struct arena arena;
        struct package *at;
        size_t n, max;
        struct package_path *paths;
        size_t n_paths, max_paths;
        uint32_t *bucket; /* index + 1 */
        uint32_t n_buckets;
        package_changed_fn *is_changed; /* NULL: nothing ever was */
        void *is_changed_ctx;
};

/* The next one at this path after `after`, which may be NULL; NULL: there is none. */
const struct package_path *package_path_find(const struct packages *p, struct span path,
                                             const struct package_path *after);
bool package_path_is_conffile(const struct packages *p, const struct package_path *e);

/* ---- package_explain.c ---- */

bool package_has_attributes(const struct record *r);
/* May this package's facts explain anything?  Else *ret says why not. */
bool package_why_counts(const struct package *x, struct why *ret);
/* Explained: by content, with the whole proof; by who did it: true, and only this in words. */
void package_why_proof(struct why *ret, const struct package *x);
bool package_why_weaker(struct why *ret, const struct package *x, const char *what);
/* Not explained: what came nearest, unless there is something. */
void package_why_nearest(struct why *ret, const struct package *x, const char *what,
                         const char *more);

#endif
