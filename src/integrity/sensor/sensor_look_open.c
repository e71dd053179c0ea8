/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_look_open.c - what is looked at, though somebody may keep it locked.
 *
 * A name that the kernel has not at hand is looked for in its directory, and who may read that can
 * have it locked for as long as he likes.  So a hand does it (hands.h): the loop waits a moment for
 * it, a worker longer, and then the place is put off, which is told.  Hands of their own, so that
 * nothing else waits for these; one for each directory, and so many for each owner of directories.
 */
#include "integrity/sensor/sensor_look.h"

#include "loop/log.h"
#include "sys/io.h"
#include "sys/silent.h"

#include <fcntl.h>
#include <sys/stat.h>

enum {
        STALLED_MS = 500, /* until it is looked at again */
        TOLD_S = 60,      /* until one is told again */
        OWNERS = 61,
};

/* Of what is open: over which only one hand is to wait. */
static struct hand_ask how(const struct look_by *by, int fd)
{
        struct hand_ask a = { .wait_ms = by->wait_ms };
        struct stat st;

        if (fstat(fd, &st) == 0) {
                a.key = ((uint64_t)st.st_dev << 40 ^ (uint64_t)st.st_ino) | UINT64_C(1) << 63;
                a.group = 1 + st.st_uid % OWNERS;
        }
        return a;
}

static int open_by(const struct look_by *by, int dirfd, const char *name, int flags)
{
        int fd = hand_open_known(dirfd, name, flags);
        struct hand_ask a;

        if (fd != -EAGAIN)
                return fd;
        a = how(by, dirfd);
        return hand_open(by->sensor->hands, &a, dirfd, name, flags);
}

static int call_open(void *ctx, int dirfd, const char *name, int flags)
{
        return open_by(ctx, dirfd, name, flags);
}

static ssize_t call_read(void *ctx, int fd, void *to, size_t n, off_t at)
{
        const struct look_by *by = ctx;
        const struct hand_ask a = how(by, fd);

        return hand_read(by->sensor->hands, &a, fd, to, n, at);
}

static off_t call_seek(void *ctx, int fd, off_t at, int whence)
{
        const struct look_by *by = ctx;
        const struct hand_ask a = how(by, fd);

        return hand_seek(by->sensor->hands, &a, fd, at, whence);
}

static void begin(struct look_by *by, struct sensor *s, unsigned wait_ms)
{
        *by = (struct look_by){ s, wait_ms, { call_open, call_read, call_seek, by } };
}

int look_open_init(struct sensor *s, struct err *err)
{
        begin(&s->by_loop, s, HANDS_LITTLE);
        begin(&s->by_worker, s, 0);
        return hands_new(&s->hands, err);
}

int look_open(struct sensor *s, int dirfd, const char *name, int flags)
{
        return open_by(&s->by_loop, dirfd, name, flags);
}

int look_stat(struct sensor *s, int dirfd, const char *name, struct record *ret,
              struct table_handle *ret_handle)
{
        CLEANUP_FD int fd = silent_name(dirfd, name)
                                    ? -EHOSTDOWN
                                    : look_open(s, dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        ret_handle->n = 0;
        return fd < 0 ? fd : observe_stat_path(fd, ret, ret_handle);
}

static int open_piece(void *ctx, int dirfd, const char *piece)
{
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        const struct look_by *by = ctx;
        struct hand_ask a = how(by, dirfd);

        return hand_open_path(by->sensor->hands, &a, dirfd, piece, flags);
}

int look_open_dir(struct sensor *s, struct span path)
{
        return observe_open_dir_by(path, open_piece, &s->by_loop);
}

ssize_t look_list(void *ctx, int fd, void *to, size_t n)
{
        const struct look_by *by = ctx;
        const struct hand_ask a = how(by, fd);

        return hand_list(by->sensor->hands, &a, fd, to, n);
}

void look_for_scan(struct sensor *s)
{
        s->by_scan = (struct look_by){ s, 0, { NULL, NULL, call_seek, &s->by_scan } };
        scan_set_calls(s->scan, &s->by_scan.calls);
}

int look_stalled(struct sensor *s, struct table_node *dir, struct span name, struct dirty_place *p)
{
        int64_t now = sensor_mono(s);
        int rc = 0;

        if (now >= s->look_told_ns) {
                s->look_told_ns = now + TOLD_S * NS_PER_S;
                buf_clear(&s->path);
                table_path(dir, &s->path);
                log_event(LOG_LEVEL_WARNING, "sensor.look_stalled",
                          log_bytes("path", buf_span(&s->path)), log_bytes("name", name));
                rc = why_alert_event(s, "look stalled", buf_span(&s->path), NULL,
                                     "somebody keeps it locked: what happens there is seen when he "
                                     "does not any more");
        }
        look_put_back(s, p, STALLED_MS);
        return rc < 0 ? rc : LOOK_TAKEN;
}

int look_later(struct sensor *s, struct table_node *n, struct who *who)
{
        struct table_handle h;

        if (!n->parent || !table_handle_of(n->parent, &h))
                return 0;
        return look_at(s, &h, table_name(n), DIRTY_CONTENT | DIRTY_TREE, who,
                       STALLED_MS * NS_PER_MS);
}
