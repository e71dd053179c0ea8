/* SPDX-License-Identifier: Apache-2.0 */
/* keys_open.c - what assay-keys opens while it still may.
 *
 * SECURITY: whoever took it over owns what is in its directory, and root comes back to it at each
 * start: no link is followed, and nothing in it changes its owner. */
#include "gateway/keys/keys_priv.h"
#include "loop/jobrun.h"
#include "loop/role.h"
#include "package/registry/registry_load.h"
#include "sys/users.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CA_MAX = 4 << 20 };

/* ---- registry.yaml, for the keys that packages are signed with ---- */

static int read_registry(struct keys *k, struct err *err)
{
        struct conffile_faults faults = { 0 };
        char path[PATH_MAX], program[PATH_MAX];
        int r = io_join(path, k->registry, "registry.yaml", err);

        if (r == 0)
                r = job_program(program, err);
        if (r == 0)
                r = registry_config_load(&k->config, path, program, k->o->clock, &faults, err);
        conffile_faults_done(&faults);
        if (r < 0)
                return r;
        registry_config_keys(&k->config, REGISTRY_BUILDER, k->vkeys, &k->n_vkeys);
        /* With none of them any package would be taken. */
        return k->n_vkeys ? 0 : err_set(err, -ENOKEY, "%s: it has no builder", path);
}

static int open_registry(struct keys *k, struct err *err)
{
        int r = k->o->registry ? 0 : io_join(k->registry, k->o->state, "registry", err);

        if (k->o->registry &&
            snprintf(k->registry, sizeof k->registry, "%s", k->o->registry) >= PATH_MAX)
                r = err_sys(err, -ENAMETOOLONG, "--registry");
        if (r < 0)
                return r;
        k->registry_fd = open(k->registry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (k->registry_fd < 0)
                return err_sys(err, -errno, "%s", k->registry);
        r = read_registry(k, err);
        return r < 0 ? r : live_new(k->registry_fd, k->vkeys, k->n_vkeys, &k->live);
}

/* ---- whom we become, and what is theirs ---- */

struct owner {
        uid_t uid;
        gid_t gid;
        bool change; /* false: we stay who we are */
};

static int find_owner(const struct keys *k, struct owner *ret, struct err *err)
{
        const char *user = role_of(ROLE_KEYS)->user;
        int r = 0;

        *ret = (struct owner){ .uid = k->o->as, .gid = k->o->as };
        ret->change = !k->o->keep_user && geteuid() == 0;
        if (!ret->change)
                *ret = (struct owner){ .uid = geteuid(), .gid = getegid() };
        else if (!k->o->as)
                r = users_find(user, &ret->uid, &ret->gid);
        return r < 0 ? err_sys(err, r, "service user %s", user) : 0;
}

/* Gateways and whoever asks may read it: there is nothing in it but public keys. */
static int make_own(struct keys *k, const struct owner *to, struct err *err)
{
        CLEANUP_FD int state = -1;
        int r = io_make_dirs(&io_kernel, AT_FDCWD, k->o->state, 0755, err);

        if (r < 0)
                return r;
        state = open(k->o->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return err_sys(err, -errno, "%s", k->o->state);
        if (mkdirat(state, KEYS_DIR, 0755) < 0 && errno != EEXIST)
                return err_sys(err, -errno, "%s", k->own);
        k->own_fd = openat(state, KEYS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (k->own_fd < 0)
                return err_sys(err, -errno, "%s", k->own);
        if (to->change && fchown(k->own_fd, to->uid, to->gid) < 0)
                return err_sys(err, -errno, "%s: change its owner", k->own);
        if (fchmod(k->own_fd, 0755) < 0 || fsync(state) < 0)
                return err_sys(err, -errno, "%s", k->own);
        return 0;
}

/* A socket's file is made with the right mode from the start, and who sends is looked at besides.
 */
static int open_socket(struct keys *k, const struct owner *to, struct err *err)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int n = snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", k->o->run, KEYS_SOCKET);
        int on = 1, r;
        mode_t mask;

        if (n < 0 || (size_t)n >= sizeof at.sun_path)
                return err_set(err, -ENAMETOOLONG, "%s: too long for a socket's path", k->o->run);
        k->ask_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (k->ask_fd < 0 || setsockopt(k->ask_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
                return err_sys(err, -errno, "%s", at.sun_path);
        if (unlink(at.sun_path) < 0 && errno != ENOENT)
                return err_sys(err, -errno, "%s", at.sun_path);
        mask = umask(0177);
        r = bind(k->ask_fd, (const struct sockaddr *)&at, sizeof at) < 0 ? -errno : 0;
        umask(mask);
        if (r == 0 && to->change && lchown(at.sun_path, to->uid, to->gid) < 0)
                r = -errno;
        k->gateway = to->uid;
        return r < 0 ? err_sys(err, r, "%s", at.sun_path) : 0;
}

static int read_ca(struct keys *k, struct err *err)
{
        char path[PATH_MAX];
        int r = io_join(path, k->o->config, KEYS_CA, err);

        if (r < 0)
                return r;
        r = io_read_file(&io_kernel, AT_FDCWD, k->o->ca ? k->o->ca : path, CA_MAX, &k->ca, &k->n_ca,
                         err);
        return r == -ENOENT && !k->o->ca ? 0 : r;
}

int keys_open(struct keys *k, struct err *err)
{
        struct owner to;
        int r = find_owner(k, &to, err);

        if (r == 0)
                r = io_join(k->own, k->o->state, KEYS_DIR, err);
        if (r == 0)
                r = io_join(k->recorder, k->o->run, "recorder.sock", err);
        if (r == 0)
                r = open_registry(k, err);
        if (r == 0)
                r = read_ca(k, err);
        if (r == 0)
                r = make_own(k, &to, err);
        if (r == 0)
                r = open_socket(k, &to, err);
        return r == 0 ? keys_fetcher_new(span_of(k->ca, k->n_ca), JWKS_MAX, &k->fetcher, err) : r;
}

void keys_close(struct keys *k)
{
        k->live = live_free(k->live);
        registry_config_done(&k->config);
        free(k->ca);
        fd_close(&k->ask_fd);
        fd_close(&k->own_fd);
        fd_close(&k->registry_fd);
}
