/* SPDX-License-Identifier: Apache-2.0 */
/* All numbers little-endian:
 *
 *    0 "assaysn1", 8 boot id (36), 44 number of sessions (4), 48 of processes (4),
 *   52 CRC-32C of what is before and behind it (4)
 *   56 sessions, an outer one before those within it:
 *      how (1), witness (1), root pid (4), its start (8), audit session (4), the one before (4),
 *      outer (4, number of the session, all ones: none), peer and local address (23 each),
 *      length of name (1), name, length of reason (1), reason
 *    . processes: pid (4), start (8), session (4)
 *
 *   address: family (1), bytes (16), port (2), scope (4) */
#include "integrity/who/session_keep.h"

#include "base/le.h"
#include "base/text.h"
#include "integrity/who/session_priv.h"
#include "sys/crc32c.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        BOOT_AT = 8,
        COUNTS_AT = 44,
        CRC_AT = 52,
        HEAD = 56,
        SESSION_BYTES = 74,
        ROOM = SESSION_KEEP_MAX - 8192,
        PROCESS_BYTES = 16
};

static const char magic[BOOT_AT + 1] = "assaysn1";
static const char new_name[] = SESSION_KEEP_FILE ".new";

/* ---- out ---- */

struct out {
        struct buf *sessions, processes;
        uint32_t n_sessions, n_processes, round;
};

static void put_addr(struct buf *b, const struct sock_addr *a)
{
        buf_put_byte(b, a->family);
        buf_put(b, span_of(a->bytes, sizeof a->bytes));
        le_append(b, a->port, 2);
        le_append(b, a->scope, 4);
}

static void put_text(struct buf *b, const char *text)
{
        buf_put_byte(b, (uint8_t)strlen(text));
        buf_put_str(b, text);
}

/* Its number; it is put when it was not yet. */
static uint32_t put_session(struct out *o, struct session *x)
{
        struct buf *b = o->sessions;
        uint32_t outer = UINT32_MAX;

        if (x->kept_round == o->round)
                return x->kept_as;
        if (x->outer)
                outer = put_session(o, x->outer);
        buf_put_byte(b, (uint8_t)x->how);
        buf_put_byte(b, (uint8_t)x->witness);
        le_append(b, (uint32_t)x->root, 4);
        le_append(b, x->root_start_ns, 8);
        le_append(b, x->audit, 4);
        le_append(b, x->audit_before, 4);
        le_append(b, outer, 4);
        put_addr(b, &x->peer);
        put_addr(b, &x->local);
        put_text(b, x->name);
        put_text(b, x->why);
        x->kept_round = o->round;
        x->kept_as = o->n_sessions++;
        return x->kept_as;
}

/* What a new sensor finds out by itself is not kept: units, init's, what it could not know. */
static bool is_worth_keeping(const struct session *x)
{
        return x && (x->outer || session_is_login(x) || x->how == SESSION_CRON);
}

static void put_process(void *ctx, const struct procs_proc *p)
{
        struct out *o = ctx;
        uint32_t number;

        if (!is_worth_keeping(p->session) || o->sessions->n + o->processes.n > ROOM)
                return;
        number = put_session(o, p->session);
        le_append(&o->processes, (uint32_t)p->pid, 4);
        le_append(&o->processes, p->start_ns, 8);
        le_append(&o->processes, number, 4);
        o->n_processes++;
}

static uint32_t crc_of(struct span file)
{
        return crc32c(crc32c(0, span_of(file.p, CRC_AT)), span_from(file, HEAD));
}

void sessions_put(struct sessions *s, struct span boot, struct buf *out)
{
        struct out o = { .sessions = out,
                         .processes = BUF_INIT(SESSION_KEEP_MAX),
                         .round = ++s->kept_round };

        assert(boot.n == SESSION_BOOT_LEN && out->n == 0);
        buf_put_str(out, magic);
        buf_put(out, boot);
        le_append(out, 0, 8);
        le_append(out, 0, 4); /* the counts and the sum: below */
        procs_each(s->o.procs, put_process, &o);
        /* without events not every process of a session is known */
        for (struct session *x = s->o.events ? NULL : s->first; x; x = x->next)
                if (out->n + o.processes.n <= ROOM)
                        put_session(&o, x);
        buf_put(out, buf_span(&o.processes));
        if (buf_status(&o.processes) < 0 && buf_status(out) == 0)
                out->status = buf_status(&o.processes);
        buf_done(&o.processes);
        if (buf_status(out) < 0)
                return;
        le_put32(out->p + COUNTS_AT, o.n_sessions);
        le_put32(out->p + COUNTS_AT + 4, o.n_processes);
        le_put32(out->p + CRC_AT, crc_of(buf_span(out)));
}

/* ---- in ---- */

/* The next n bytes; NULL and nothing more where they are not there. */
static const uint8_t *get(struct span *in, size_t n)
{
        const uint8_t *p = in->p;

        if (in->n < n) {
                *in = SPAN_NONE;
                return NULL;
        }
        *in = span_from(*in, n);
        return p;
}

static bool get_number(struct span *in, unsigned n, uint64_t *ret)
{
        const uint8_t *p = get(in, n);

        if (p)
                *ret = le_get(p, n);
        return p != NULL;
}

static bool get_addr(struct span *in, struct sock_addr *ret)
{
        const uint8_t *p = get(in, 23);

        if (!p || (p[0] != 0 && p[0] != AF_INET && p[0] != AF_INET6))
                return false;
        *ret = (struct sock_addr){ .family = p[0],
                                   .port = (uint16_t)le_get(p + 17, 2),
                                   .scope = le_get32(p + 19) };
        memcpy(ret->bytes, p + 1, sizeof ret->bytes);
        return true;
}

static bool get_text(struct span *in, char *out, size_t room)
{
        uint64_t n;
        const uint8_t *p;

        if (!get_number(in, 1, &n) || n >= room || !(p = get(in, n)) || memchr(p, 0, n) ||
            !text_is_utf8(span_of(p, n), NULL))
                return false;
        memcpy(out, p, n);
        out[n] = '\0';
        return true;
}

/* at: those before it.  false: damaged. */
static bool get_session(struct span *in, struct session **at, size_t n, struct session *x)
{
        uint64_t how, witness, root, audit, before, outer;

        if (!get_number(in, 1, &how) || !get_number(in, 1, &witness) || !get_number(in, 4, &root) ||
            !get_number(in, 8, &x->root_start_ns) || !get_number(in, 4, &audit) ||
            !get_number(in, 4, &before) || !get_number(in, 4, &outer) || !get_addr(in, &x->peer) ||
            !get_addr(in, &x->local) || !get_text(in, x->name, sizeof x->name) ||
            !get_text(in, x->why, sizeof x->why))
                return false;
        if (how > SESSION_KERNEL || witness > SESSION_BY_UTMP || root > INT32_MAX ||
            (outer != UINT32_MAX && outer >= n))
                return false;
        x->how = (enum session_how)how;
        x->witness = (enum session_witness)witness;
        x->root = (pid_t)root;
        x->audit = (uint32_t)audit;
        x->audit_before = (uint32_t)before;
        if (outer != UINT32_MAX)
                x->outer = session_ref(at[outer]);
        return true;
}

struct heirs {
        struct session **at; /* each with a reference */
        size_t n;
        struct span processes;
};

static int get_all(struct span in, size_t n_sessions, size_t n_processes, struct heirs *h)
{
        if (n_sessions > in.n / SESSION_BYTES) /* before memory is asked for so many */
                return -EBADMSG;
        h->at = calloc(MAX_OF(n_sessions, (size_t)1), sizeof(struct session *));
        if (!h->at)
                return -ENOMEM;
        for (; h->n < n_sessions; h->n++) {
                CLEANUP(session_unrefp) struct session *x = session_new(SESSION_UNKNOWN, NULL);

                if (!x)
                        return -ENOMEM;
                if (!get_session(&in, h->at, h->n, x))
                        return -EBADMSG;
                h->at[h->n] = x;
                x = NULL;
        }
        h->processes = in;
        return in.n % PROCESS_BYTES == 0 && in.n / PROCESS_BYTES == n_processes ? 0 : -EBADMSG;
}

static const struct procs_proc *same_process(struct sessions *s, pid_t pid, uint64_t start_ns)
{
        const struct procs_proc *p = procs_newest(s->o.procs, pid);

        return p && !p->end_ns && session_same_start(p->start_ns, start_ns) ? p : NULL;
}

/* Where its root lives it was looked at again: that is better than what was kept. */
static void prefer_known(struct sessions *s, struct session **x)
{
        const struct procs_proc *root = same_process(s, (*x)->root, (*x)->root_start_ns);
        struct session *known = root ? root->session : NULL;

        if (known && known->how == (*x)->how && session_is_rooted(known, root) &&
            (known->peer.family || !(*x)->peer.family)) {
                if (known->audit == PROCESS_UNSET && (*x)->audit != PROCESS_UNSET) {
                        known->audit = (*x)->audit;
                        sessions_remember(s, known);
                }
                if (!known->outer && (*x)->outer && (*x)->outer != known)
                        known->outer = session_ref((*x)->outer);
                session_ref(known);
                session_unref(*x);
                *x = known;
        } else if ((*x)->audit != PROCESS_UNSET && !sessions_by_audit(s, (*x)->audit)) {
                sessions_remember(s, *x);
        }
}

static void give(struct sessions *s, const struct heirs *h)
{
        for (size_t i = 0; i < h->n; i++)
                prefer_known(s, &h->at[i]);
        for (struct span in = h->processes; in.n; in = span_from(in, PROCESS_BYTES)) {
                const struct procs_proc *p =
                        same_process(s, (pid_t)le_get32(in.p), le_get64(in.p + 4));
                uint32_t number = le_get32(in.p + 12);

                if (p && number < h->n && (!p->session || p->session->how == SESSION_UNKNOWN))
                        procs_set_session(s->o.procs, p, h->at[number]);
        }
}

int sessions_take(struct sessions *s, struct span boot, struct span bytes, struct err *err)
{
        struct heirs h = { 0 };
        int rc;

        if (bytes.n < HEAD || memcmp(bytes.p, magic, BOOT_AT) != 0 ||
            le_get32(bytes.p + CRC_AT) != crc_of(bytes))
                return err_set(err, -EBADMSG, "sessions: damaged");
        if (!span_eq(span_of(bytes.p + BOOT_AT, SESSION_BOOT_LEN), boot))
                return err_set(err, -ESTALE, "sessions: of another boot");
        rc = get_all(span_from(bytes, HEAD), le_get32(bytes.p + COUNTS_AT),
                     le_get32(bytes.p + COUNTS_AT + 4), &h);
        if (rc == 0)
                give(s, &h);
        for (size_t i = 0; i < h.n; i++)
                session_unref(h.at[i]);
        free(h.at);
        if (rc == -EBADMSG)
                return err_set(err, rc, "sessions: damaged");
        return rc < 0 ? err_set(err, rc, "out of memory for sessions") : 0;
}

/* ---- the file ---- */

static int read_boot(char out[SESSION_BOOT_LEN], struct err *err)
{
        static const char path[] = "/proc/sys/kernel/random/boot_id";
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        n = io_kernel.pread(NULL, fd, out, SESSION_BOOT_LEN, 0);
        return n == SESSION_BOOT_LEN ? 0 : err_set(err, n < 0 ? (int)n : -EIO, "%s: short", path);
}

bool sessions_are_of_this_boot(struct span bytes)
{
        char boot[SESSION_BOOT_LEN];

        return bytes.n >= HEAD && read_boot(boot, NULL) == 0 &&
               memcmp(bytes.p + BOOT_AT, boot, sizeof boot) == 0;
}

int sessions_recall(struct sessions *s, struct span bytes, struct err *err)
{
        char boot[SESSION_BOOT_LEN];
        int rc = read_boot(boot, err);

        if (rc == 0)
                rc = sessions_take(s, span_of(boot, sizeof boot), bytes, err);
        return rc == -ESTALE ? 0 : rc;
}

int sessions_keep(struct sessions *s, bool all, struct buf *out, struct err *err)
{
        char boot[SESSION_BOOT_LEN];
        int rc;

        if (!all && !s->news)
                return 0;
        rc = read_boot(boot, err);
        if (rc < 0)
                return rc;
        s->news = false;
        sessions_put(s, span_of(boot, sizeof boot), out);
        return buf_status(out) < 0 ? err_sys(err, buf_status(out), "sessions") : 1;
}

static int write_all(int fd, struct span content)
{
        ssize_t n = io_kernel.pwrite(NULL, fd, content.p, content.n, 0);

        return n < 0 ? (int)n : (size_t)n == content.n ? 0 : -EIO;
}

int sessions_write(int dirfd, struct span bytes, struct err *err)
{
        CLEANUP_FD int fd = openat(dirfd, new_name,
                                   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        int rc = fd < 0 ? -errno : write_all(fd, bytes);

        if (rc == 0 && renameat(dirfd, new_name, dirfd, SESSION_KEEP_FILE) < 0)
                rc = -errno;
        return rc < 0 ? err_sys(err, rc, SESSION_KEEP_FILE) : 0;
}
