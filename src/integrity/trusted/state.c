/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/state.h"

#include "base/text.h"
#include "sys/io.h"
#include "wire/brought.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
        DOUBTS_BYTES = 1 << 20, /* in one record of the journal, and one path more */
        RENEW_BYTES = 8 << 20,  /* a journal below this is left alone */
        ENTRIES_MAX = 1 << 20,  /* not acknowledged, in one journal */
        SKELETON_MAX = 1 << 16,
};

void state_found_done(struct state_found *f)
{
        for (size_t i = 0; i < f->n_entries; i++)
                buf_done(&f->entries[i].skeleton);
        free(f->entries);
        watchset_done(&f->watched);
        *f = (struct state_found){ 0 };
}

static bool has(struct json_value entry, const char *path, const char *text)
{
        struct json_value v;
        struct span plain;

        return json_get_path(entry, path, &v) && json_value_plain(v, &plain) &&
               span_eq_str(plain, text);
}

bool state_found_waits(const struct state_found *f, const char *kind, const char *path,
                       const char *text)
{
        for (size_t i = 0; i < f->n_entries; i++) {
                struct span e = buf_span(&f->entries[i].skeleton);

                if (memmem(e.p, e.n, text, strlen(text)) && json_check(e, NULL) == 0 &&
                    has(json_value_of(e), "k", kind) && has(json_value_of(e), path, text))
                        return true;
        }
        return false;
}

bool state_found_brought(const struct state_found *f, const uint8_t sha256[RECORD_HASH])
{
        char hex[2 * RECORD_HASH + 1];
        uint8_t brought[RECORD_HASH];

        STATIC_ASSERT((int)BROUGHT_SHA256 == (int)RECORD_HASH, "both are SHA-256");
        text_hex(span_of(sha256, RECORD_HASH), hex);
        for (size_t i = 0; i < f->n_entries; i++) {
                struct span e = buf_span(&f->entries[i].skeleton);

                if (memmem(e.p, e.n, hex, sizeof hex - 1) && brought_content(e, brought) &&
                    memcmp(brought, sha256, RECORD_HASH) == 0)
                        return true;
        }
        return false;
}

static void forget_entries(struct state_found *f)
{
        for (size_t i = 0; i < f->n_entries; i++)
                buf_done(&f->entries[i].skeleton);
        f->n_entries = 0;
}

/* An entry of this run.  One that was sent again has the same sequence: the later text counts. */
static int note_entry(struct state_found *f, uint64_t seq, struct span skeleton)
{
        struct state_entry *p;

        for (size_t i = f->n_entries; i > 0 && f->entries[i - 1].seq >= seq; i--) {
                if (f->entries[i - 1].seq != seq)
                        continue;
                buf_clear(&f->entries[i - 1].skeleton);
                buf_put(&f->entries[i - 1].skeleton, skeleton);
                return buf_status(&f->entries[i - 1].skeleton);
        }
        if (f->n_entries == ENTRIES_MAX)
                return -E2BIG;
        if ((f->n_entries & (f->n_entries - 1)) == 0) { /* full at each power of two */
                p = realloc(f->entries, MAX_OF(2 * f->n_entries, (size_t)1) * sizeof *p);
                if (!p)
                        return -ENOMEM;
                f->entries = p;
        }
        f->entries[f->n_entries] =
                (struct state_entry){ .seq = seq, .skeleton = BUF_INIT(SKELETON_MAX) };
        buf_put(&f->entries[f->n_entries].skeleton, skeleton);
        return buf_status(&f->entries[f->n_entries++].skeleton);
}

static void note_acked(struct state_found *f, uint64_t seq)
{
        size_t n = 0, room = 1;
        struct state_entry *p;

        f->acked = MAX_OF(f->acked, seq);
        while (n < f->n_entries && f->entries[n].seq <= f->acked)
                buf_done(&f->entries[n++].skeleton);
        if (n == 0)
                return;
        f->n_entries -= n;
        memmove(f->entries, f->entries + n, f->n_entries * sizeof *f->entries);
        while (room < f->n_entries + 1) /* note_entry() counts on a power of two */
                room *= 2;
        p = realloc(f->entries, room * sizeof *p);
        f->entries = p ? p : f->entries;
}

static int replay_one(struct state_found *f, struct table *t, const struct journal_record *r)
{
        int rc;

        switch (r->type) {
        case JOURNAL_RUN:
                if (r->number != f->run) {
                        forget_entries(f); /* they were put again after this */
                        f->acked = 0;
                }
                f->run = r->number;
                return 0;
        case JOURNAL_ACKED:
                note_acked(f, r->number);
                return 0;
        case JOURNAL_ALIVE:
                f->alive_ns = r->wall_ns;
                f->stopped = r->stopping;
                return 0;
        default:
                f->stopped = false;
                rc = journal_apply(t, r->ops);
                if (rc == 0 && r->number)
                        rc = note_entry(f, r->number, r->skeleton);
                return rc;
        }
}

static int replay(struct state *s, struct table *t, struct state_found *f, struct err *err)
{
        char name[JOURNAL_NAME_MAX];
        struct journal_record r;
        uint64_t generation;
        uint8_t *file = NULL;
        struct span rest;
        size_t n = 0;
        int rc;

        journal_name(s->generation, name);
        rc = io_read_file(s->io, s->dirfd, name, JOURNAL_FILE_MAX + JOURNAL_RECORD_MAX, &file, &n,
                          err);
        if (rc == -ENOENT)
                return 0;
        if (rc < 0)
                return rc;
        rc = journal_open(span_of(file, n), &generation, &rest, err);
        if (rc == 0 && generation != s->generation)
                rc = err_set(err, -EBADMSG, "%s: is of generation %llu", name,
                             (unsigned long long)generation);
        while (rc == 0) {
                rc = journal_next(&rest, &r);
                if (rc <= 0)
                        break;
                rc = replay_one(f, t, &r);
                if (rc < 0)
                        err_sys(err, rc, "%s: cannot be applied", name);
        }
        free(file);
        return rc == -EBADMSG && rest.n ? 0 : rc; /* half written: the scan finds the rest */
}

/* One of the two snapshots.  -EBADMSG: the table holds a part of it. */
static int load(struct state *s, const char *name, struct table *t, struct state_found *f,
                struct err *err)
{
        struct snapshot_head h;
        int rc;

        watchset_done(&f->watched);
        rc = snapshot_read(s->io, s->dirfd, name, &f->watched, t, &h, err);
        if (rc < 0)
                return rc;
        s->generation = h.generation;
        f->alive_ns = h.taken_ns;
        return 0;
}

static void say_damage(struct state_found *f, const struct err *err)
{
        if (f->damage[0] == '\0')
                snprintf(f->damage, sizeof f->damage, "%s", err_text(err));
}

static int find_state(struct state *s, struct table *t, struct state_found *f, struct err *err)
{
        int rc = load(s, "state", t, f, err);

        if (rc == 0)
                rc = replay(s, t, f, err);
        if (rc == 0) {
                f->source = STATE_KNOWN;
                return 0;
        }
        if (rc != -ENOENT && rc != -EBADMSG)
                return rc;
        if (rc == -EBADMSG)
                say_damage(f, err);
        forget_entries(f);
        f->run = f->acked = 0;
        f->stopped = false;
        table_drop_tree(t, table_root(t));
        rc = load(s, "baseline", t, f, err);
        if (rc == 0)
                f->source = STATE_BASELINE;
        if (rc == -EBADMSG) {
                say_damage(f, err);
                table_drop_tree(t, table_root(t));
                watchset_done(&f->watched);
        }
        return rc == -ENOENT || rc == -EBADMSG ? 0 : rc;
}

int state_open(struct state *s, const struct io *io, const char *dir, struct table *t,
               struct state_found *ret_found, struct err *err)
{
        struct state_found f = { 0 };
        struct state st = { .io = io, .dirfd = -1, .journal = { .fd = -1 } };
        int rc = io_make_dirs(io, AT_FDCWD, dir, 0700, err);

        if (rc < 0)
                return rc;
        st.dirfd = io->open(io->ctx, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (st.dirfd < 0)
                return err_sys(err, st.dirfd, "%s: cannot be opened", dir);
        rc = find_state(&st, t, &f, err);
        if (rc < 0) {
                state_found_done(&f);
                fd_close(&st.dirfd);
                return err_wrap(err, "%s", dir);
        }
        *s = st;
        *ret_found = f;
        return 0;
}

void state_close(struct state *s)
{
        journal_close(&s->journal);
        fd_close(&s->dirfd);
}

/* Which files are not what is trusted: one record after the other, none too long for a reader. */
static int put_doubts(struct journal *j, struct table *t)
{
        CLEANUP(buf_done) struct buf ops = BUF_INIT(JOURNAL_RECORD_MAX);
        CLEANUP(buf_done) struct buf path = BUF_INIT(SNAPSHOT_PATH_MAX);

        for (struct table_node *n = table_root(t); n; n = table_next(table_root(t), n)) {
                if (!(n->mark & TABLE_DOUBT))
                        continue;
                buf_clear(&path);
                table_path(n, &path);
                if (buf_status(&path) < 0)
                        return buf_status(&path);
                journal_op_put(&ops, JOURNAL_DOUBT, buf_span(&path), SPAN_NONE);
                if (ops.n > DOUBTS_BYTES) {
                        journal_put_change(j, 0, SPAN_NONE, buf_span(&ops));
                        buf_clear(&ops);
                }
        }
        if (ops.n)
                journal_put_change(j, 0, SPAN_NONE, buf_span(&ops));
        return buf_status(&ops);
}

static int begin_journal(struct state *s, struct journal *j, struct table *t, int64_t wall_ns,
                         const struct state_told *told, struct err *err)
{
        int rc = journal_create(j, s->io, s->dirfd, s->generation + 1, err);

        if (rc < 0)
                return rc;
        if (told->run)
                journal_put_run(j, told->run);
        if (told->acked)
                journal_put_acked(j, told->acked);
        for (size_t i = 0; i < told->n; i++)
                journal_put_change(j, told->entries[i].seq, buf_span(&told->entries[i].skeleton),
                                   SPAN_NONE);
        rc = put_doubts(j, t);
        if (rc < 0)
                return err_sys(err, rc, "journal: what is in doubt");
        journal_put_alive(j, wall_ns, false);
        rc = journal_flush(j, err);
        if (rc == 0)
                rc = s->io->fdatasync(s->io->ctx, j->fd);
        return rc;
}

int state_renew(struct state *s, const struct watchset *w, struct table *t, int64_t wall_ns,
                const struct state_told *told, struct err *err)
{
        struct snapshot_head h = { .generation = s->generation + 1, .taken_ns = wall_ns };
        struct journal j = { .fd = -1 };
        char old[JOURNAL_NAME_MAX];
        struct stat st;
        int rc, fd;

        journal_name(s->generation, old);
        rc = begin_journal(s, &j, t, wall_ns, told, err);
        if (rc == 0)
                rc = snapshot_write(s->io, s->dirfd, "state", w, t, &h, err);
        if (rc < 0) {
                journal_close(&j);
                return rc;
        }
        s->generation = h.generation;
        s->begun_bytes = (uint64_t)j.size;
        journal_close(&s->journal);
        s->journal = j;
        s->broken = false;
        (void)!s->io->unlink(s->io->ctx, s->dirfd, old); /* an old journal is never read again */
        fd = s->io->open(s->io->ctx, s->dirfd, "state", O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
        s->snapshot_bytes = fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
        fd_close(&fd);
        return 0;
}

void state_broke(struct state *s, const struct err *err)
{
        s->broken = true;
        snprintf(s->why, sizeof s->why, "%s", err_text(err));
}

bool state_wants_renewal(const struct state *s)
{
        uint64_t limit = MAX_OF((uint64_t)RENEW_BYTES, s->snapshot_bytes / 2);

        return s->broken || (uint64_t)s->journal.size - s->begun_bytes >
                                    MIN_OF(limit, (uint64_t)JOURNAL_FILE_MAX / 2);
}
