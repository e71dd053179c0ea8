/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fanmnt.h"

#include "sys/io.h"

#include <fcntl.h>
#include <sys/fanotify.h> /* not this file's name: -Isrc would hide the system's */
#include <unistd.h>

/* Newer than some C libraries. */
#ifndef FAN_REPORT_MNT
#define FAN_REPORT_MNT 0x00004000
#endif
#ifndef FAN_MARK_MNTNS
#define FAN_MARK_MNTNS 0x00000110
#endif
#ifndef FAN_MNT_ATTACH
#define FAN_MNT_ATTACH 0x01000000
#define FAN_MNT_DETACH 0x02000000
#endif

enum { BUFFER = 16 * 1024, HEAD = sizeof(struct fanotify_event_metadata) };

static const char own_namespace[] = "/proc/self/ns/mnt";

int fanmnt_open(struct err *err)
{
        CLEANUP_FD int ns = open(own_namespace, O_RDONLY | O_CLOEXEC);
        int fd, rc;

        if (ns < 0)
                return err_sys(err, -errno, "%s", own_namespace);
        fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_PIDFD |
                                   FAN_REPORT_MNT,
                           O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return err_sys(err, -errno, "fanotify: no notices of mounts");
        if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MNTNS, FAN_MNT_ATTACH | FAN_MNT_DETACH, ns,
                          NULL) < 0) {
                rc = err_sys(err, -errno, "fanotify: no mark on the mount namespace");
                fd_close(&fd);
                return rc;
        }
        return fd;
}

/* The part of a notice that has the process. */
static void take_pidfd(struct span infos, struct fanmnt_event *e)
{
        struct fanotify_event_info_pidfd p;
        struct fanotify_event_info_header h;

        while (infos.n >= sizeof h) {
                memcpy(&h, infos.p, sizeof h);
                if (h.len < sizeof h || h.len > infos.n)
                        return;
                if (h.info_type == FAN_EVENT_INFO_TYPE_PIDFD && h.len >= sizeof p) {
                        memcpy(&p, infos.p, sizeof p);
                        e->pidfd = p.pidfd >= 0 ? p.pidfd : -1;
                        e->gone = p.pidfd == FAN_NOPIDFD;
                }
                infos = span_from(infos, h.len);
        }
}

int fanmnt_read(int fd, fanmnt_fn *fn, void *ctx)
{
        _Alignas(8) uint8_t room[BUFFER];
        ssize_t n = read(fd, room, sizeof room);
        struct span s = span_of(room, n < 0 ? 0 : (size_t)n);
        int rc = 0;

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        while (s.n) {
                struct fanotify_event_metadata m;
                struct fanmnt_event e = { .pidfd = -1 };

                if (s.n < HEAD)
                        return -EBADMSG;
                memcpy(&m, s.p, HEAD);
                if (m.vers != FANOTIFY_METADATA_VERSION || m.metadata_len < HEAD ||
                    m.event_len < m.metadata_len || m.event_len > s.n)
                        return -EBADMSG;
                e.pid = m.pid;
                e.lost = m.mask & FAN_Q_OVERFLOW;
                take_pidfd(span_of(s.p + m.metadata_len, m.event_len - m.metadata_len), &e);
                if (rc == 0)
                        rc = fn(ctx, &e);
                fd_close(&e.pidfd);
                s = span_from(s, m.event_len);
        }
        return rc < 0 ? rc : 1;
}
