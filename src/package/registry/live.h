/* SPDX-License-Identifier: Apache-2.0 */
/* live.h - what is deployed, by generation, and the packages of it.  Floor 2.
 *
 * A registry directory (see registry.h) has
 *
 *   packages/<sha256>.assay   never changed, never removed while a generation names it
 *   live/<n>                  generation n, n from 1, canonical JSON and a newline:
 *                             {"apis":[["accounts","1.4.0","<sha256>"],...],"generation":n}
 *                             apis ascending by name, no name twice
 *   current                   symbolic link to live/<n>, replaced by rename
 *
 * n only grows: going back is a new generation with older packages.
 *
 * A reader looks whether `current` leads elsewhere than before; when it does it opens all packages
 * of the new generation that it does not have yet, and only when all of them are good does it serve
 * by the new one: else the last good one goes on serving, and the fault is kept to be told.
 *
 * SECURITY: the directory belongs to who deploys; what is in it is verified before it is used. */
#ifndef PACKAGE_LIVE_H
#define PACKAGE_LIVE_H

#include "package/package.h"
#include "sys/io.h"

enum { LIVE_APIS_MAX = 256, LIVE_TEXT_MAX = 64 * 1024 };

struct live_api {
        struct span name, version;
        uint8_t sha256[PACKAGE_HASH];
};

/* ret has room for LIVE_APIS_MAX; its names are borrowed from text.  Only what live_put() writes is
 * read.  -EBADMSG and the member. */
MUST_USE int live_read(struct span text, uint64_t *ret_generation,
                       struct live_api ret[LIVE_APIS_MAX], uint32_t *ret_n, struct err *err);
/* Appends.  -EINVAL: the number, a name, a version or the order; -E2BIG, -ENOMEM. */
MUST_USE int live_put(struct buf *out, uint64_t generation, const struct live_api *apis, uint32_t n,
                      struct err *err);

/* The number that `current` leads to; 0: there is no such link.  -EBADMSG: it leads elsewhere; what
 * readlinkat() says. */
MUST_USE int live_deployed(int dirfd, uint64_t *ret, struct err *err);

/* Makes a generation the deployed one: live/<n> written and synced, then `current` replaced, then
 * the directory synced.  Whenever it stops, `current` is the old one or the new one; called again
 * it finishes: what an unfinished one left is replaced.  One at a time: the caller has the
 * registry's lock.  0 also when this is the deployed one already, with the same content.  -EEXIST:
 * the deployed one has this number and other content, or a higher number; -EINVAL, -E2BIG as
 * live_put(); what a file call says: then call again, or look with live_deployed(). */
MUST_USE int live_publish(const struct io *io, int dirfd, uint64_t generation,
                          const struct live_api *apis, uint32_t n, struct err *err);

/* One generation, with references to its packages.  Counted like packages. */
struct generation {
        uint64_t number;
        uint32_t n;
        struct package *package[LIVE_APIS_MAX]; /* ascending by name of the API */
};
/* Of packages that are open already, for who serves them without a registry: n of them, ascending
 * by name of the API, LIVE_APIS_MAX at most (asserted); it has references of its own.  -ENOMEM. */
MUST_USE int generation_new(uint64_t number, struct package *const *packages, uint32_t n,
                            struct generation **ret);
struct generation *generation_ref(struct generation *g);
struct generation *generation_unref(struct generation *g); /* NULL is fine; returns NULL */
/* NULL when it has none of this name. */
struct package *generation_package(const struct generation *g, struct span api);

/* Who looks.  dirfd is borrowed, and so are the keys. */
struct live;
MUST_USE int live_new(int dirfd, const struct span *vkeys, size_t n, struct live **ret);
struct live *live_free(struct live *l);
DEFINE_CLEANUP(struct live, live_free)

/* 1: there is a new generation; 0: nothing new.  Negative: what is deployed now cannot be served,
 * said once for each generation, then 0 until something changes.  What could not be read, for want
 * of memory or of a file, is tried again after 1, 2, 4, ... 64 looks.  Cheap when nothing is new:
 * one readlinkat().  Opening packages takes its time: see package_open(). */
MUST_USE int live_look(struct live *l, struct err *err);
/* The one to serve by, borrowed; NULL before the first good one. */
struct generation *live_current(const struct live *l);
/* Why the deployed one is not served: its number (0: not known) and the text; false when it is, or
 * nothing ever was deployed. */
bool live_refused(const struct live *l, uint64_t *ret_generation, const char **ret_why);

#endif
