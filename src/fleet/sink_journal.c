/* SPDX-License-Identifier: Apache-2.0 */
/* sink_journal.c - systemd's journal, by its native protocol (systemd: JOURNAL_NATIVE_PROTOCOL).
 *
 * One datagram is one record, NAME=value lines; one that is too large for a datagram travels as a
 * sealed memory file.  The journal confirms nothing: what its socket took counts as accepted. */
#include "fleet/datagram.h"
#include "fleet/format.h"
#include "fleet/sink.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum { JOURNAL_BATCH = 64 };

struct journal {
        struct sink s;
        int fd;
};

static int journal_open(const struct deliver_sink *config, int runner, struct sink **ret,
                        struct err *err)
{
        struct journal *j = calloc(1, sizeof *j);

        (void)config;
        (void)runner;
        if (!j)
                return err_sys(err, -ENOMEM, "journal");
        j->fd = -1;
        *ret = &j->s;
        return 0;
}

static struct sink *journal_free(struct sink *s)
{
        struct journal *j = CONTAINER_OF(s, struct journal, s);

        fd_close(&j->fd);
        free(j);
        return NULL;
}

static int memory_file(struct span bytes, struct err *err)
{
        CLEANUP_FD int fd = memfd_create("assay-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int out;

        if (fd < 0 || io_kernel.pwrite(NULL, fd, bytes.p, bytes.n, 0) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return err_sys(err, -errno, "a memory file for the journal");
        out = fd;
        fd = -1;
        return out;
}

static int send_large(int fd, struct span record, struct err *err)
{
        CLEANUP_FD int memory = memory_file(record, err);

        return memory < 0 ? memory : datagram_send_fd(fd, memory, JOURNAL_SOCKET, err);
}

static int journal_deliver(struct sink *s, struct message *const *m, size_t n, size_t *ret_done,
                           struct err *err)
{
        struct journal *j = CONTAINER_OF(s, struct journal, s);
        int rc = 0;

        if (j->fd < 0)
                rc = datagram_connect(JOURNAL_SOCKET, &j->fd, err);
        for (size_t i = 0; i < n && rc == 0; i++) {
                CLEANUP(buf_done) struct buf record = BUF_INIT(MESSAGE_JSON_MAX);

                format_journal(m[i], s->config->name, &record);
                rc = buf_status(&record);
                if (rc < 0)
                        return err_sys(err, rc, "entry %llu", (unsigned long long)m[i]->index);
                rc = datagram_send(j->fd, buf_span(&record), JOURNAL_SOCKET, err);
                if (rc == -EMSGSIZE)
                        rc = send_large(j->fd, buf_span(&record), err);
                *ret_done += rc == 0;
        }
        if (rc < 0)
                fd_close(&j->fd);
        return rc;
}

const struct sink_ops sink_journal = { JOURNAL_BATCH, journal_open, journal_deliver, journal_free };
