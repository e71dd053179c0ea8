/* SPDX-License-Identifier: Apache-2.0 */
/* keys_sweep.c - files of key sets that nothing deployed names any more.  Floor 3.
 *
 * They stay for a day after they were had last: what was withdrawn may be deployed again, and a
 * gateway that cannot serve what is deployed goes on with what was before.  Names that we never
 * gave are not ours to remove. */
#include "base/text.h"
#include "gateway/keys/keys_priv.h"
#include "loop/log.h"
#include "sys/dirwalk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STALE_S = 86400 };

/* "<64 hex>.json" */
static bool is_ours(struct span name)
{
        uint8_t digest[KEYS_NAME / 2];

        return name.n == KEYS_NAME + sizeof ".json" - 1 &&
               span_eq(span_from(name, KEYS_NAME), SPAN(".json")) &&
               text_from_hex(span_of(name.p, KEYS_NAME), digest, sizeof digest) == 0;
}

static bool is_wanted(const struct keys *k, struct span name)
{
        for (uint32_t i = 0; i < k->n; i++)
                if (memcmp(k->sets[i]->wanted.name, name.p, KEYS_NAME) == 0)
                        return true;
        return false;
}

static bool is_stale(int dirfd, const char *name, int64_t now_s)
{
        struct stat st;

        return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
               now_s - st.st_mtim.tv_sec > STALE_S;
}

static void look_at(const struct keys *k, int dirfd, const struct dir_entry *e)
{
        struct span name = span_of(e->name, e->name_n);

        if (!is_ours(name) || is_wanted(k, name) ||
            !is_stale(dirfd, e->name, clock_wall(k->o->clock) / NS_PER_S))
                return;
        if (unlinkat(dirfd, e->name, 0) == 0)
                log_event(LOG_LEVEL_INFO, "keys.removed", log_str("file", e->name));
        else
                log_event(LOG_LEVEL_WARNING, "keys.removed", log_str("file", e->name),
                          log_str("error", strerror(errno)));
}

void keys_sweep(const struct keys *k)
{
        CLEANUP_FD int dirfd = openat(k->own_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dir_reader *r = dirfd < 0 ? NULL : malloc(sizeof *r);
        struct dir_entry e;

        if (!r)
                return; /* another time */
        dir_reader_init(r, dirfd);
        while (dir_read(r, &e) == 1)
                look_at(k, dirfd, &e);
        free(r);
}
