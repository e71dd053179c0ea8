/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/role.h"

#include "loop/profile.h"
#include "sys/users.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FROM(id) (1u << (id))

enum { OVERFLOW_ID = 65534 }; /* nobody: the kernel's own number for "no user of ours" */

static const struct role roles[ROLE_COUNT] = {
        [ROLE_RECORDER] = { "recorder", "assay",
                            FROM(ROLE_SENSOR) | FROM(ROLE_MONITOR) | FROM(ROLE_UPLINK) |
                                    FROM(ROLE_GATEWAY) | FROM(ROLE_BRIDGE) | FROM(ROLE_HUB) |
                                    FROM(ROLE_MIRROR) | FROM(ROLE_ADMIN) | FROM(ROLE_KEYS),
                            &profile_recorder },
        [ROLE_SENSOR] = { "sensor", "root", FROM(ROLE_ADMIN), &profile_sensor },
        [ROLE_UPLINK] = { "uplink", "assay-net", FROM(ROLE_ADMIN), &profile_uplink },
        [ROLE_GATEWAY] = { "gateway", "assay-gw", 0, &profile_gateway },
        [ROLE_GATEWAY_FILES] = { "gateway-files", "assay-gw", 0, &profile_gateway_files },
        [ROLE_BRIDGE] = { "bridge", "assay-bridge", FROM(ROLE_GATEWAY), NULL },
        [ROLE_HUB] = { "hub", "assay-hub", FROM(ROLE_GATEWAY) | FROM(ROLE_ADMIN), NULL },
        [ROLE_PROJECTOR] = { "projector", "assay-hub", 0, NULL },
        [ROLE_MIRROR] = { "mirror", "assay-mirror", FROM(ROLE_GATEWAY) | FROM(ROLE_PROJECTOR),
                          NULL },
        [ROLE_JOB] = { "job", "nobody", 0, &profile_job },
        [ROLE_ADMIN] = { "admin", "root", 0, NULL },
        [ROLE_JOB_DIR] = { "job-dir", "nobody", 0, &profile_job_dir },
        [ROLE_JOB_PROGRAM] = { "job-program", "nobody", 0, &profile_job_program },
        [ROLE_MONITOR] = { "monitor", "root", FROM(ROLE_ADMIN), &profile_monitor },
        [ROLE_GUARD] = { "guard", "root", 0, &profile_guard },
        [ROLE_JOB_LARGE] = { "job-large", "nobody", 0, &profile_job_large },
        [ROLE_COURIER] = { "courier", "assay-net", 0, &profile_courier },
        [ROLE_KEYS] = { "keys", "assay-gw", FROM(ROLE_GATEWAY), &profile_keys },
};

const struct role *role_of(enum role_id id)
{
        return &roles[id];
}

const struct role *role_by_name(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(roles); i++)
                if (span_eq_str(name, roles[i].name))
                        return &roles[i];
        return NULL;
}

/* ---- becoming one ---- */

/* /proc/self/task has one directory per thread, and two links of its own. */
static int check_single_thread(struct err *err)
{
        struct stat st;

        if (stat("/proc/self/task", &st) < 0)
                return err_sys(err, -errno, "count threads: /proc/self/task");
        if (st.st_nlink != 3)
                return err_set(err, -EBUSY,
                               "rights are given away before threads start; there are %lu",
                               (unsigned long)st.st_nlink - 2);
        return 0;
}

static const char *place(const struct role_paths *paths, enum profile_place p)
{
        return p == PLACE_STATE     ? paths->state
               : p == PLACE_RUNTIME ? paths->runtime
               : p == PLACE_LEDGER  ? paths->ledger
                                    : paths->config;
}

static int restrict_paths(const struct role_profile *p, const struct role_paths *paths,
                          struct sandbox_state *st, struct err *err)
{
        struct sandbox_path list[PROFILE_PATHS + PROFILE_FIXED + ROLE_MORE_MAX];
        const char *path;
        size_t n = 0;

        if (p->no_landlock) {
                sandbox_not_asked(st, SANDBOX_LANDLOCK, p->no_landlock);
                return 0;
        }
        for (size_t i = 0; i < PROFILE_PATHS && p->paths[i].place != PLACE_NONE; i++) {
                path = place(paths, p->paths[i].place);
                if (path)
                        list[n++] =
                                (struct sandbox_path){ .path = path, .rights = p->paths[i].rights };
        }
        assert(p->n_fixed <= PROFILE_FIXED);
        for (size_t i = 0; i < p->n_fixed; i++)
                list[n++] = p->fixed[i];
        assert(paths->n_more <= ROLE_MORE_MAX);
        for (size_t i = 0; i < paths->n_more; i++)
                list[n++] = paths->more[i];
        return sandbox_landlock(st, list, n, p->landlock_flags, err);
}

/* Who to become: (uid_t)-1 is "as now". */
static int find_user(const struct role *r, uid_t as, unsigned flags, uid_t *ret_uid, gid_t *ret_gid,
                     struct err *err)
{
        int e;

        *ret_uid = (uid_t)-1;
        *ret_gid = (gid_t)-1;
        if (flags & ROLE_KEEP_USER)
                return 0;
        if (as) {
                *ret_uid = as;
                *ret_gid = as;
                return 0;
        }
        if (strcmp(r->user, "nobody") == 0) { /* a job asks no name service before it is sealed */
                *ret_uid = *ret_gid = OVERFLOW_ID;
                return 0;
        }
        e = users_find(r->user, ret_uid, ret_gid);
        return e < 0 ? err_sys(err, e, "service user %s", r->user) : 0;
}

/* Without root a role has what it needs less what nobody gave it. */
static int caps_of(const struct role_profile *p, unsigned flags, uint64_t *ret, struct err *err)
{
        uint64_t have;
        int r = sandbox_caps(&have);

        if (r < 0)
                return err_sys(err, r, "capabilities");
        *ret = (flags & ROLE_KEEP_USER ? p->caps & have : p->caps) | (p->caps_wanted & have);
        return 0;
}

int role_enter(enum role_id id, const struct role_paths *paths, unsigned flags,
               struct sandbox_state *ret_state, struct err *err)
{
        const struct role_profile *p = roles[id].profile;
        uint64_t caps = 0;
        uid_t uid;
        gid_t gid;
        int r;

        *ret_state = (struct sandbox_state){ 0 };
        if (!p)
                return err_set(err, -ENOSYS, "role %s has no profile", roles[id].name);
        r = check_single_thread(err);
        if (r == 0)
                r = find_user(&roles[id], paths->as, flags, &uid, &gid, err);
        if (r == 0)
                r = caps_of(p, flags, &caps, err);
        if (r == 0 && paths->group && uid != (uid_t)-1)
                gid = paths->group;
        if (r == 0 && p->no_network)
                sandbox_no_network(ret_state);
        if (r == 0 && p->limits)
                r = sandbox_limit(ret_state, p->limits, err);
        if (r == 0)
                r = sandbox_drop(ret_state, uid, gid, caps, err);
        if (r == 0)
                r = sandbox_no_privs(ret_state, err);
        if (r == 0)
                r = restrict_paths(p, paths, ret_state, err);
        if (r == 0 && p->no_seccomp)
                sandbox_not_asked(ret_state, SANDBOX_SECCOMP, p->no_seccomp);
        else if (r == 0)
                r = sandbox_seccomp(ret_state, &p->calls, err);
        if (r < 0)
                err_wrap(err, "role %s", roles[id].name);
        return r;
}

/* ---- knowing the others ---- */

int role_users_init(struct role_users *u, unsigned flags, struct err *err)
{
        int r;

        *u = (struct role_users){ 0 };
        for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
                if (flags & ROLE_KEEP_USER) {
                        u->of[i].uid = geteuid();
                        u->of[i].gid = getegid();
                        u->of[i].known = true;
                        continue;
                }
                r = users_find(roles[i].user, &u->of[i].uid, &u->of[i].gid);
                if (r < 0 && r != -ENOENT)
                        return err_sys(err, r, "service user %s", roles[i].user);
                u->of[i].known = r == 0;
        }
        return 0;
}

bool role_admits(const struct role_users *u, enum role_id to, struct span proc, uid_t uid,
                 enum role_id *ret)
{
        const struct role *r = role_by_name(proc);
        enum role_id id;

        if (!r)
                return false;
        id = (enum role_id)(r - roles);
        if (!(roles[to].peers & FROM(id)) || !u->of[id].known || u->of[id].uid != uid)
                return false;
        *ret = id;
        return true;
}
