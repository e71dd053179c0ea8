/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/journal.h"

#include "base/le.h"
#include "sys/crc32c.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>

static const char magic[8] = "ASSAYJN1";

/* ---- reading ---- */

int journal_open(struct span file, uint64_t *ret_generation, struct span *ret, struct err *err)
{
        if (file.n < JOURNAL_HEAD || memcmp(file.p, magic, 8) != 0)
                return err_set(err, -EBADMSG, "the journal's head is not one");
        *ret_generation = le_get64(file.p + 8);
        *ret = span_from(file, JOURNAL_HEAD);
        return 0;
}

/* u32 bytes, then the bytes. */
static bool take_bytes(struct span *s, struct span *ret)
{
        uint32_t n;

        if (s->n < 4)
                return false;
        n = le_get32(s->p);
        if (n > s->n - 4)
                return false;
        *ret = span_of(s->p + 4, n);
        *s = span_from(*s, 4 + (size_t)n);
        return true;
}

bool journal_next_op(struct span *ops, struct journal_op *ret)
{
        struct span rest = *ops;
        struct journal_op o;

        if (rest.n == 0)
                return false;
        o.op = rest.p[0];
        rest = span_from(rest, 1);
        if (o.op == 0 || o.op >= JOURNAL_OP_END || !take_bytes(&rest, &o.path) ||
            !take_bytes(&rest, &o.argument))
                return false;
        *ops = rest;
        *ret = o;
        return true;
}

static bool path_ok(struct span p)
{
        return p.n > 0 && p.p[0] == '/' && !memchr(p.p, 0, p.n);
}

static bool ops_ok(struct span ops)
{
        struct journal_op o;
        struct record r;

        while (journal_next_op(&ops, &o)) {
                if (!path_ok(o.path))
                        return false;
                if (o.op == JOURNAL_SET && record_decode(o.argument, &r, NULL) < 0)
                        return false;
                if ((o.op == JOURNAL_DROP || o.op == JOURNAL_DOUBT || o.op == JOURNAL_TRUST) &&
                    o.argument.n)
                        return false;
                if ((o.op == JOURNAL_MOVE || o.op == JOURNAL_EXCHANGE) && !path_ok(o.argument))
                        return false;
        }
        return ops.n == 0;
}

static bool parse(struct span s, struct journal_record *ret)
{
        struct journal_record r = { 0 };

        if (s.n < 9)
                return false;
        r.type = s.p[0];
        r.number = le_get64(s.p + 1);
        s = span_from(s, 9);
        switch (r.type) {
        case JOURNAL_RUN:
        case JOURNAL_ACKED:
                break;
        case JOURNAL_ALIVE:
                if (s.n != 1 || s.p[0] > 1)
                        return false;
                r.wall_ns = (int64_t)r.number;
                r.number = 0;
                r.stopping = s.p[0] == 1;
                s = span_from(s, 1);
                break;
        case JOURNAL_CHANGE:
                if (!take_bytes(&s, &r.skeleton) || !ops_ok(s))
                        return false;
                r.ops = s;
                s = SPAN_NONE;
                break;
        default:
                return false;
        }
        if (s.n)
                return false;
        *ret = r;
        return true;
}

int journal_next(struct span *rest, struct journal_record *ret)
{
        struct span body;
        uint32_t n;

        if (rest->n == 0)
                return 0;
        if (rest->n < 8)
                return -EBADMSG;
        n = le_get32(rest->p);
        if (n > JOURNAL_RECORD_MAX || n > rest->n - 8)
                return -EBADMSG;
        body = span_of(rest->p + 8, n);
        if (crc32c(0, body) != le_get32(rest->p + 4) || !parse(body, ret))
                return -EBADMSG;
        *rest = span_from(*rest, 8 + (size_t)n);
        return 1;
}

static bool below(const struct table_node *n, const struct table_node *top)
{
        while (n && n != top)
                n = n->parent;
        return n == top;
}

/* Room at path: what the table knows there is gone, its directory is there. */
static int apply_move(struct table *t, struct table_node *from, struct span to)
{
        struct table_node *at = table_find(t, to), *dir, *moved;
        struct span name = to, up = to;

        if (!from || from == table_root(t) || at == from)
                return 0;
        while (up.n && up.p[up.n - 1] != '/')
                up.n--;
        name = span_from(to, up.n);
        if (name.n == 0 || name.n > TABLE_NAME_MAX || (at && (below(from, at) || below(at, from))))
                return 0;
        if (at && at->mark & ~TABLE_DOUBT)
                return 0;
        if (at)
                table_drop_tree(t, at);
        dir = table_make(t, up);
        if (!dir)
                return -ENOMEM;
        if (below(dir, from) || table_child(t, dir, name))
                return 0;
        return table_move(t, from, dir, name, &moved);
}

static int apply_one(struct table *t, const struct journal_op *o)
{
        struct table_node *n =
                o->op == JOURNAL_SET ? table_make(t, o->path) : table_find(t, o->path);
        struct table_node *to;

        switch (o->op) {
        case JOURNAL_SET:
                return n ? table_set_record(t, n, o->argument) : -ENOMEM;
        case JOURNAL_DROP:
                if (n)
                        table_drop_record(t, n);
                return 0;
        case JOURNAL_DOUBT:
                if (n && n->record)
                        n->mark |= TABLE_DOUBT;
                return 0;
        case JOURNAL_TRUST:
                if (n)
                        n->mark &= (uint8_t)~TABLE_DOUBT;
                return 0;
        case JOURNAL_MOVE:
                return apply_move(t, n, o->argument);
        default:
                to = table_find(t, o->argument);
                if (n && to && !below(n, to) && !below(to, n))
                        table_exchange(t, n, to);
                return 0;
        }
}

int journal_apply(struct table *t, struct span ops)
{
        struct journal_op o;
        int rc = 0;

        while (rc == 0 && journal_next_op(&ops, &o))
                rc = apply_one(t, &o);
        return rc;
}

/* ---- writing ---- */

void journal_name(uint64_t generation, char out[JOURNAL_NAME_MAX])
{
        snprintf(out, JOURNAL_NAME_MAX, "journal.%llu", (unsigned long long)generation);
}

int journal_create(struct journal *j, const struct io *io, int dirfd, uint64_t generation,
                   struct err *err)
{
        char name[JOURNAL_NAME_MAX];
        uint8_t head[JOURNAL_HEAD];
        ssize_t n;
        int fd;

        journal_name(generation, name);
        fd = io->open(io->ctx, dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                      0600);
        if (fd < 0)
                return err_sys(err, fd, "%s: cannot be made", name);
        memcpy(head, magic, 8);
        le_put64(head + 8, generation);
        n = io->pwrite(io->ctx, fd, head, sizeof head, 0);
        if (n != (ssize_t)sizeof head) {
                fd_close(&fd);
                return err_sys(err, n < 0 ? (int)n : -EIO, "%s: cannot be written", name);
        }
        *j = (struct journal){ .io = io,
                               .fd = fd,
                               .generation = generation,
                               .size = JOURNAL_HEAD,
                               .buf = BUF_INIT(JOURNAL_FILE_MAX),
                               .dirty = true };
        return 0;
}

void journal_close(struct journal *j)
{
        fd_close(&j->fd);
        buf_done(&j->buf);
}

/* Begin a record; its length and checksum are filled in by end(). */
static size_t begin(struct journal *j, enum journal_type type, uint64_t number)
{
        size_t at = j->buf.n;
        uint8_t *p = buf_extend(&j->buf, 8 + 9);

        if (p) {
                p[8] = (uint8_t)type;
                le_put64(p + 9, number);
        }
        return at;
}

static void end(struct journal *j, size_t at)
{
        struct span body;

        if (buf_status(&j->buf) < 0)
                return;
        body = span_from(buf_span(&j->buf), at + 8);
        assert(body.n <= JOURNAL_RECORD_MAX);
        le_put32(j->buf.p + at, (uint32_t)body.n);
        le_put32(j->buf.p + at + 4, crc32c(0, body));
}

static void put_sized(struct buf *b, struct span s)
{
        uint8_t *p = buf_extend(b, 4);

        if (p)
                le_put32(p, (uint32_t)s.n);
        buf_put(b, s);
}

void journal_put_run(struct journal *j, uint64_t run)
{
        end(j, begin(j, JOURNAL_RUN, run));
}

void journal_put_acked(struct journal *j, uint64_t seq)
{
        end(j, begin(j, JOURNAL_ACKED, seq));
}

void journal_put_alive(struct journal *j, int64_t wall_ns, bool stopping)
{
        size_t at = begin(j, JOURNAL_ALIVE, (uint64_t)wall_ns);

        buf_put_byte(&j->buf, stopping);
        end(j, at);
}

void journal_put_change(struct journal *j, uint64_t seq, struct span skeleton, struct span ops)
{
        size_t at = begin(j, JOURNAL_CHANGE, seq);

        put_sized(&j->buf, skeleton);
        buf_put(&j->buf, ops);
        end(j, at);
}

void journal_op_put(struct buf *ops, enum journal_op_type op, struct span path,
                    struct span argument)
{
        buf_put_byte(ops, (uint8_t)op);
        put_sized(ops, path);
        put_sized(ops, argument);
}

int journal_flush(struct journal *j, struct err *err)
{
        ssize_t n;
        int rc = buf_status(&j->buf);

        if (rc == 0 && j->buf.n == 0)
                return 0;
        if (rc == 0) {
                n = j->io->pwrite(j->io->ctx, j->fd, j->buf.p, j->buf.n, j->size);
                rc = n < 0 ? (int)n : (size_t)n == j->buf.n ? 0 : -EIO;
        }
        if (rc < 0)
                return err_sys(err, rc, "the journal cannot be written");
        j->size += (off_t)j->buf.n;
        j->dirty = true;
        buf_clear(&j->buf);
        return 0;
}
