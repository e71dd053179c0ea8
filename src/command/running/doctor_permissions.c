/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_permissions.c - assay doctor: who may reach into the state, and who may read its keys.
 *
 * The first thing that is wrong is said; what could not be looked at is UNKNOWN. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/places.h"
#include "command/running/doctor.h"
#include "command/running/up_places.h"
#include "loop/role.h"
#include "sys/users.h"

enum { WRITE_OF_OTHERS = S_IWGRP | S_IWOTH, ALL_OF_OTHERS = S_IRWXG | S_IRWXO };

struct looking {
        struct finding *f;
        uid_t recorder; /* the ledger's owner, as its private half says */
};

static void say_unknown(struct looking *l, const char *path)
{
        if (l->f->verdict == VERDICT_PASS)
                doctor_found(l->f, VERDICT_UNKNOWN, "%s: %s", path, strerror(errno));
}

/* false: nothing there to look at, or a fault is known already. */
static bool look_at(struct looking *l, const char *path, struct stat *ret)
{
        if (l->f->verdict == VERDICT_FAIL)
                return false;
        if (lstat(path, ret) == 0)
                return true;
        if (errno != ENOENT && errno != ENOTDIR)
                say_unknown(l, path);
        return false;
}

static bool is_ours(uid_t uid)
{
        return uid == 0 || uid == geteuid();
}

static void say_mode(struct finding *f, const char *path, mode_t mode, mode_t forbidden)
{
        doctor_found(f, VERDICT_FAIL, "%s has mode %04o: others may reach into it", path,
                     (unsigned)mode & 07777);
        doctor_mend(f, "chmod %s %s", forbidden & S_IROTH ? "go-rwx" : "go-w", path);
}

static void say_owner(struct finding *f, const char *path, uid_t is, uid_t wanted)
{
        doctor_found(f, VERDICT_FAIL, "%s belongs to uid %u, not to uid %u", path, (unsigned)is,
                     (unsigned)wanted);
        doctor_mend(f, "chown %u: %s", (unsigned)wanted, path);
}

/* ---- directories ---- */

static void check_dir(struct looking *l, const char *path, mode_t forbidden, uid_t owner)
{
        struct stat st;

        if (!look_at(l, path, &st))
                return;
        if (!S_ISDIR(st.st_mode)) {
                doctor_found(l->f, VERDICT_FAIL, "%s is no directory%s", path,
                             S_ISLNK(st.st_mode) ? " but a link, which somebody may turn" : "");
                doctor_mend(l->f, "mv %s %s.away, and put the directory in its place", path, path);
        } else if (st.st_uid != owner && !(is_ours(owner) && is_ours(st.st_uid))) {
                say_owner(l->f, path, st.st_uid, owner);
        } else if (st.st_mode & forbidden) {
                say_mode(l->f, path, st.st_mode, forbidden);
        }
}

/* Who may rename a directory on the way can put another in its place. */
static void check_way(struct looking *l, const char *state)
{
        char path[PATH_MAX];
        struct stat st;
        char *slash;

        snprintf(path, sizeof path, "%s", state);
        while ((slash = strrchr(path, '/')) && l->f->verdict != VERDICT_FAIL) {
                slash[slash == path] = '\0';
                if (stat(path, &st) < 0) {
                        say_unknown(l, path);
                } else if (!is_ours(st.st_uid)) {
                        say_owner(l->f, path, st.st_uid, 0);
                } else if (st.st_mode & WRITE_OF_OTHERS && !(st.st_mode & S_ISVTX)) {
                        say_mode(l->f, path, st.st_mode, WRITE_OF_OTHERS);
                }
                if (path[1] == '\0')
                        return;
        }
}

/* ---- keys ---- */

static void check_key(struct looking *l, const char *path)
{
        struct stat st;

        if (!look_at(l, path, &st))
                return;
        if (!S_ISREG(st.st_mode)) {
                doctor_found(l->f, VERDICT_FAIL, "%s is no file: a private key's place", path);
                doctor_mend(l->f, "mv %s %s.away, and put the key in its place", path, path);
        } else if (st.st_uid != l->recorder) {
                say_owner(l->f, path, st.st_uid, l->recorder);
        } else if (st.st_mode & ALL_OF_OTHERS) {
                doctor_found(l->f, VERDICT_FAIL,
                             "%s has mode %04o: others may have read a private key", path,
                             (unsigned)st.st_mode & 07777);
                doctor_mend(l->f,
                            "chmod 600 %s, then assay ledger rotate, if somebody may have read it",
                            path);
        }
}

static void check_keys(struct looking *l, const char *keys)
{
        DIR *dir = opendir(keys);
        char path[PLACES_PATH_MAX];
        const struct dirent *e;

        if (!dir && errno != ENOENT)
                say_unknown(l, keys);
        while (dir && (e = readdir(dir)))
                if (e->d_name[0] != '.' && places_join(keys, e->d_name, path, NULL) == 0)
                        check_key(l, path);
        if (dir)
                closedir(dir);
}

/* ---- the ledger ---- */

static bool may_own_a_ledger(uid_t uid)
{
        uid_t service;
        gid_t group;

        if (is_ours(uid) || (uid >= TRANSIENT_MIN && uid <= TRANSIENT_MAX))
                return true;
        return users_find(role_of(ROLE_RECORDER)->user, &service, &group) == 0 && uid == service;
}

static void check_ledger(struct looking *l, const char *ledger, const char *private)
{
        static const char *const closed[] = { "keys", "wal", "vault", "pending" };
        char path[PLACES_PATH_MAX];
        struct stat st;

        if (!look_at(l, private, &st))
                return;
        l->recorder = st.st_uid;
        if (!may_own_a_ledger(st.st_uid)) {
                doctor_found(l->f, VERDICT_FAIL,
                             "%s belongs to uid %u, which is no user of Assay's", private,
                             (unsigned)st.st_uid);
                doctor_mend(l->f, "chown -R %s: %s %s", role_of(ROLE_RECORDER)->user, ledger,
                            private);
        }
        check_dir(l, ledger, WRITE_OF_OTHERS, l->recorder);
        check_dir(l, private, ALL_OF_OTHERS, l->recorder);
        for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
                if (places_join(private, closed[i], path, NULL) < 0)
                        continue;
                check_dir(l, path, ALL_OF_OTHERS, l->recorder);
                if (i == 0)
                        check_keys(l, path);
        }
}

void doctor_look_permissions(const struct invocation *in, struct finding *f)
{
        char ledger[PLACES_PATH_MAX], private[PLACES_PATH_MAX], sensor[PLACES_PATH_MAX],
                monitor[PLACES_PATH_MAX];
        char state[PATH_MAX];
        struct looking l = { .f = f };
        struct err err;

        if (!realpath(in->state, state)) {
                doctor_found(
                        f, errno == ENOENT ? VERDICT_PASS : VERDICT_UNKNOWN, "%s: %s", in->state,
                        errno == ENOENT ? "not there yet; \"assay up\" makes it" : strerror(errno));
                return;
        }
        if (places_join(state, "ledger", ledger, &err) < 0 ||
            places_private(ledger, private, &err) < 0 ||
            places_join(state, "sensor", sensor, &err) < 0 ||
            places_join(state, "monitor", monitor, &err) < 0) {
                doctor_found(f, VERDICT_UNKNOWN, "%s", err_text(&err));
                return;
        }
        doctor_found(f, VERDICT_PASS, "%s and below are closed to others, and so are the keys",
                     in->state);
        check_way(&l, state);
        check_dir(&l, state, WRITE_OF_OTHERS, 0);
        check_ledger(&l, ledger, private);
        check_dir(&l, sensor, ALL_OF_OTHERS, 0);
        check_dir(&l, monitor, ALL_OF_OTHERS, 0);
}
