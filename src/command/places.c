/* SPDX-License-Identifier: Apache-2.0 */
/* places.c - see places.h. */
#include "command/places.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int too_long(const char *dir, struct err *err)
{
        return err_set(err, -ENAMETOOLONG, "%.100s...: the path is longer than %d bytes", dir,
                       PLACES_PATH_MAX - 1);
}

int places_join(const char *dir, const char *name, char out[PLACES_PATH_MAX], struct err *err)
{
        int n = snprintf(out, PLACES_PATH_MAX, "%s/%s", dir, name);

        return n < 0 || n >= PLACES_PATH_MAX ? too_long(dir, err) : 0;
}

int places_ledger(const struct invocation *in, char out[PLACES_PATH_MAX], struct err *err)
{
        return places_join(in->state, "ledger", out, err);
}

int places_begun(const struct invocation *in, size_t i, const char *dir, struct err *err)
{
        static const char *const signs[] = { "/checkpoint", "/tile", ".private/signed" };
        char path[PLACES_PATH_MAX + 32];

        for (size_t k = 0; k < ARRAY_LEN(signs) && in->n_operands <= i; k++) {
                snprintf(path, sizeof(path), "%s%s", dir, signs[k]);
                if (access(path, F_OK) == 0)
                        return 0;
        }
        if (in->n_operands > i)
                return 0;
        return err_set(err, -ENOENT,
                       "%s: there is no ledger; \"systemctl start assay.target\" or \"assay up\" "
                       "begins one, --state DIR names another place",
                       dir);
}

int places_ledger_given(const struct invocation *in, size_t i, char out[PLACES_PATH_MAX],
                        struct err *err)
{
        int n;

        if (in->n_operands <= i)
                return places_ledger(in, out, err);
        n = snprintf(out, PLACES_PATH_MAX, "%s", in->operands[i]);
        return n >= PLACES_PATH_MAX ? too_long(in->operands[i], err) : 0;
}

int places_ledger_or(const struct invocation *in, size_t i, char out[PLACES_PATH_MAX],
                     struct err *err)
{
        int rc = places_ledger_given(in, i, out, err);

        return rc == 0 ? places_begun(in, i, out, err) : rc;
}

/* The directory's true name: "." and a link name something whose companion lies beside that thing,
 * not inside it.  A directory that is yet to be made is named by its parent's. */
static int true_name(const char *dir, char out[PLACES_PATH_MAX], struct err *err)
{
        char parent[PLACES_PATH_MAX], whole[PATH_MAX];
        size_t end = strlen(dir), slash;
        int n;

        if (realpath(dir, whole)) {
                n = snprintf(out, PLACES_PATH_MAX, "%s", whole);
                return n < 0 || n >= PLACES_PATH_MAX ? too_long(dir, err) : 0;
        }
        while (end > 1 && dir[end - 1] == '/')
                end--;
        for (slash = end; slash > 0 && dir[slash - 1] != '/'; slash--)
                ;
        if (end >= PLACES_PATH_MAX)
                return too_long(dir, err);
        snprintf(parent, sizeof parent, "%.*s", (int)slash, dir);
        if (!realpath(slash ? parent : ".", whole)) {
                if (errno != ENOENT)
                        return err_sys(err, -errno, "%s", slash ? parent : ".");
                snprintf(out, PLACES_PATH_MAX, "%.*s", (int)end, dir); /* all of it is to be made */
                return 0;
        }
        n = snprintf(out, PLACES_PATH_MAX, "%s%s%.*s", whole, strcmp(whole, "/") ? "/" : "",
                     (int)(end - slash), dir + slash);
        return n < 0 || n >= PLACES_PATH_MAX ? too_long(dir, err) : 0;
}

int places_private(const char *dir, char out[PLACES_PATH_MAX], struct err *err)
{
        char name[PLACES_PATH_MAX];
        int n, r = true_name(dir, name, err);

        if (r < 0)
                return r;
        if (strcmp(name, "/") == 0)
                return err_set(err, -EINVAL, "/: there is no place beside it for a private half");
        n = snprintf(out, PLACES_PATH_MAX, "%s.private", name);
        return n < 0 || n >= PLACES_PATH_MAX ? too_long(dir, err) : 0;
}

int places_open_dir(const char *path, int *ret_fd, struct err *err)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        *ret_fd = fd;
        return 0;
}

int places_open_state(const struct invocation *in, const char *name, int *ret_fd, struct err *err)
{
        char dir[PLACES_PATH_MAX];
        int status = places_join(in->state, name, dir, err);

        if (status == 0)
                status = places_open_dir(dir, ret_fd, err);
        if (status == -ENOENT)
                return err_set(err, -ENOENT,
                               "%s: the %s has never run here; \"systemctl start assay.target\" or "
                               "\"assay up\" starts it, --state DIR names another place",
                               dir, name);
        return status;
}

int places_program(const char *name, char out[PLACES_PATH_MAX], struct err *err)
{
        ssize_t n = readlink("/proc/self/exe", out, PLACES_PATH_MAX - 1);
        char *slash;

        if (n < 0)
                return err_sys(err, -errno, "/proc/self/exe");
        out[n] = 0;
        slash = strrchr(out, '/');
        if (!slash || (size_t)(slash - out) + 1 + strlen(name) >= PLACES_PATH_MAX)
                return err_set(err, -ENAMETOOLONG, "%s: the path is too long", out);
        memcpy(slash + 1, name, strlen(name) + 1);
        return access(out, X_OK) < 0 ? err_sys(err, -errno, "%s", out) : 0;
}
