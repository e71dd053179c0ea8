/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - looking into a registry. */
#include "package/registry/registry.h"

#include "base/text.h"
#include "package/registry/registry_priv.h"
#include "wire/fact.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- opening ---- */

static int check_owner(int fd, const char *path, struct err *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
                return err_set(err, -EACCES,
                               "%s: others than root may write there (uid %u, mode %04o)", path,
                               (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
        return 0;
}

/* Those within are made by us; one that was opened to others since is as good as all of it. */
static int check_inner(int top, const char *path, struct err *err)
{
        static const char *const names[] = { "approvals", "deployments", "live",
                                             "names",     "packages",    "refs" };
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
                CLEANUP_FD int fd =
                        openat(top, names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

                if (fd >= 0)
                        r = check_owner(fd, names[i], err);
                else if (errno != ENOENT)
                        r = err_sys(err, -errno, "%s", names[i]);
        }
        return r < 0 ? err_wrap(err, "%s", path) : 0;
}

int registry_open(const char *path, const struct io *io, struct registry *ret, struct err *err)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? err_sys(err, -errno, "%s", path) : check_owner(fd, path, err);

        if (r == 0)
                r = check_inner(fd, path, err);
        if (r < 0)
                return r;
        *ret = (struct registry){ .io = io, .fd = fd, .lock = -1 };
        fd = -1;
        return 0;
}

void registry_close(struct registry *r)
{
        fd_close(&r->lock);
        fd_close(&r->fd);
}

int registry_lock(struct registry *r, struct err *err)
{
        CLEANUP_FD int fd = openat(r->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0 && errno == EACCES)
                return err_set(err, -EACCES, "only whose registry it is may change it");
        if (fd < 0)
                return err_sys(err, -errno, "lock");
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK
                               ? err_set(err, -EBUSY,
                                         "somebody else is changing this registry just now: try "
                                         "again when they are done")
                               : err_sys(err, -errno, "lock");
        r->lock = fd;
        fd = -1;
        return 0;
}

/* ---- names of files ---- */

void registry_package_path(const uint8_t sha256[PACKAGE_HASH], char out[REGISTRY_PATH_MAX])
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(sha256, PACKAGE_HASH), hex);
        snprintf(out, REGISTRY_PATH_MAX, "packages/%s.assay", hex);
}

void registry_approval_path(const uint8_t sha256[PACKAGE_HASH], unsigned n,
                            char out[REGISTRY_PATH_MAX])
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(sha256, PACKAGE_HASH), hex);
        snprintf(out, REGISTRY_PATH_MAX, "approvals/%s-%u.note", hex, n);
}

/* ---- records ---- */

int registry_read_record(const struct registry *r, const char *path, struct registry_record *ret,
                         struct err *err)
{
        uint8_t *p;
        size_t n;
        int rc = io_read_file(r->io, r->fd, path, REGISTRY_RECORD_MAX, &p, &n, err);

        if (rc < 0)
                return rc;
        rc = registry_record_read(span_of(p, n), ret, err);
        free(p);
        return rc < 0 ? (err_wrap(err, "%s", path), rc) : 0;
}

/* The record at a path has to be of what the path says. */
static int check_same(bool same, const char *path, struct err *err)
{
        return same ? 0 : err_set(err, -EBADMSG, "%s: it is the record of something else", path);
}

int registry_version(const struct registry *r, const char *api, const char *version,
                     struct registry_record *ret, struct err *err)
{
        char path[REGISTRY_PATH_MAX];
        int rc;

        if (!package_api_ok(span_str(api)) || !package_version_ok(span_str(version)))
                return err_set(err, -ENOENT, "there is no such version of an API");
        snprintf(path, sizeof path, "names/%s/%s", api, version);
        rc = registry_read_record(r, path, ret, err);
        if (rc < 0)
                return rc;
        return check_same(ret->kind == REGISTRY_PUSHED && strcmp(ret->api, api) == 0 &&
                                  strcmp(ret->version, version) == 0,
                          path, err);
}

int registry_deployment(const struct registry *r, uint64_t generation, struct registry_record *ret,
                        struct err *err)
{
        char path[REGISTRY_PATH_MAX];
        int rc;

        snprintf(path, sizeof path, "deployments/%llu", (unsigned long long)generation);
        rc = registry_read_record(r, path, ret, err);
        if (rc < 0)
                return rc;
        return check_same(registry_is_deployment(ret->kind) && ret->generation == generation, path,
                          err);
}

int registry_pending(const struct registry *r, struct registry_record *ret, struct err *err)
{
        return registry_read_record(r, "pending", ret, err);
}

/* ---- tips ---- */

/* [ref, tip] */
static bool get_tip(struct json_value item, struct registry_tip *t)
{
        uint8_t any[COMMIT_ID_MAX / 2];
        struct json_iter it;
        struct json_value v;

        if (item.type != JSON_ARRAY)
                return false;
        it = json_iter_of(item);
        return json_next(&it, NULL, &v) && fact_copy(v, t->ref, COMMIT_REF_MAX) &&
               json_next(&it, NULL, &v) && fact_copy(v, t->tip, COMMIT_ID_MAX) &&
               text_from_hex(span_str(t->tip), any, sizeof any) == 0 && !json_next(&it, NULL, &v);
}

static int parse_tips(struct span text, struct registry_tip ret[REGISTRY_KNOWN_MAX], size_t *ret_n)
{
        struct json_value list, item;
        struct json_iter it;
        size_t n = 0;

        if (text.n == 0 || text.p[text.n - 1] != '\n')
                return -EBADMSG;
        text.n--;
        if (json_check(text, NULL) < 0 || !json_get(json_value_of(text), "tips", &list) ||
            list.type != JSON_ARRAY)
                return -EBADMSG;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); n++) {
                if (n == REGISTRY_KNOWN_MAX)
                        return -EBADMSG;
                ret[n] = (struct registry_tip){ 0 };
                if (!get_tip(item, &ret[n]))
                        return -EBADMSG;
        }
        *ret_n = n;
        return 0;
}

int registry_tips(const struct registry *r, const char *repository,
                  struct registry_tip ret[REGISTRY_KNOWN_MAX], size_t *ret_n, struct err *err)
{
        char path[REGISTRY_PATH_MAX];
        uint8_t *p;
        size_t n;
        int rc;

        *ret_n = 0;
        if (!registry_repository_ok(span_str(repository)))
                return err_set(err, -EINVAL, "no name of a repository");
        snprintf(path, sizeof path, "refs/%s", repository);
        rc = io_read_file(r->io, r->fd, path, REGISTRY_RECORD_MAX, &p, &n, err);
        if (rc < 0)
                return rc == -ENOENT ? 0 : rc;
        rc = parse_tips(span_of(p, n), ret, ret_n);
        free(p);
        return rc < 0 ? err_set(err, rc, "%s: it is damaged", path) : 0;
}

/* ---- what is deployed ---- */

static int read_live(const struct registry *r, struct registry_live *l, struct err *err)
{
        char path[REGISTRY_PATH_MAX];
        uint64_t number = 0;
        size_t n;
        int rc;

        snprintf(path, sizeof path, "live/%llu", (unsigned long long)l->generation);
        rc = io_read_file(r->io, r->fd, path, LIVE_TEXT_MAX, &l->text, &n, err);
        if (rc < 0)
                return rc;
        rc = live_read(span_of(l->text, n), &number, l->api, &l->n, err);
        if (rc == 0 && number != l->generation)
                rc = err_set(err, -EBADMSG, "it is generation %llu", (unsigned long long)number);
        return rc < 0 ? (err_wrap(err, "%s", path), rc) : 0;
}

int registry_live(const struct registry *r, struct registry_live *ret, struct err *err)
{
        int rc;

        *ret = (struct registry_live){ 0 };
        rc = live_deployed(r->fd, &ret->generation, err);
        if (rc == 0 && ret->generation > 0)
                rc = read_live(r, ret, err);
        if (rc < 0)
                registry_live_done(ret);
        return rc;
}

void registry_live_done(struct registry_live *l)
{
        free(l->text);
        *l = (struct registry_live){ 0 };
}

const struct live_api *registry_live_api(const struct registry_live *l, const char *api)
{
        for (uint32_t i = 0; i < l->n; i++)
                if (span_eq_str(l->api[i].name, api))
                        return &l->api[i];
        return NULL;
}

/* ---- packages and approvals ---- */

int registry_package(const struct registry *r, const uint8_t sha256[PACKAGE_HASH], uint8_t **ret,
                     struct arena *arena, struct package_file *ret_file, struct err *err)
{
        char path[REGISTRY_PATH_MAX];
        uint8_t *p;
        size_t n;
        int rc;

        registry_package_path(sha256, path);
        rc = io_read_file(r->io, r->fd, path, PACKAGE_FILE_MAX, &p, &n, err);
        if (rc < 0)
                return rc;
        rc = package_file_read(span_of(p, n), arena, ret_file, err);
        if (rc == 0 && memcmp(ret_file->sha256, sha256, PACKAGE_HASH) != 0)
                rc = err_set(err, -EBADMSG, "it is another package");
        if (rc < 0) {
                free(p);
                return err_wrap(err, "%s", path), rc;
        }
        *ret = p;
        return 0;
}

int registry_approval(const struct registry *r, const uint8_t sha256[PACKAGE_HASH], unsigned n,
                      uint8_t **ret, size_t *ret_n, struct err *err)
{
        char path[REGISTRY_PATH_MAX];

        registry_approval_path(sha256, n, path);
        return io_read_file(r->io, r->fd, path, APPROVAL_MAX, ret, ret_n, err);
}

/* ---- all versions ---- */

struct walk {
        const struct registry *r;
        registry_version_fn *fn;
        void *ctx;
        struct registry_record *record;
};

/* Each name in a directory, but for those that begin with a dot or end an unfinished file. */
static int each_name(int dirfd, const char *path,
                     int (*fn)(struct walk *w, const char *parent, const char *name,
                               struct err *err),
                     struct walk *w, const char *parent, struct err *err)
{
        int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        const struct dirent *e;
        int rc = 0;
        DIR *d;

        if (fd < 0)
                return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", path);
        d = fdopendir(fd);
        if (!d) {
                rc = err_sys(err, -errno, "%s", path);
                close(fd);
                return rc;
        }
        while (rc == 0 && (e = readdir(d)))
                if (e->d_name[0] != '.')
                        rc = fn(w, parent, e->d_name, err);
        closedir(d);
        return rc;
}

static int one_version(struct walk *w, const char *api, const char *version, struct err *err)
{
        int rc;

        if (!package_version_ok(span_str(version)))
                return 0;
        rc = registry_version(w->r, api, version, w->record, err);
        return rc < 0 ? rc : w->fn(w->ctx, w->record, err);
}

static int one_api(struct walk *w, const char *parent, const char *api, struct err *err)
{
        char path[REGISTRY_PATH_MAX];

        if (!package_api_ok(span_str(api)))
                return 0;
        snprintf(path, sizeof path, "names/%s", api);
        return each_name(w->r->fd, path, one_version, w, api, err);
}

int registry_versions(const struct registry *r, registry_version_fn *fn, void *ctx, struct err *err)
{
        struct walk w = { .r = r, .fn = fn, .ctx = ctx, .record = malloc(sizeof *w.record) };
        int rc = w.record ? each_name(r->fd, "names", one_api, &w, "", err)
                          : err_sys(err, -ENOMEM, "names");

        free(w.record);
        return rc;
}
