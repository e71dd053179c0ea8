/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/audit_event.h"

#include "base/clock.h"
#include "sys/attempt_calls.h"
#include "sys/audit.h"

#include <linux/audit.h>
#include <linux/types.h>
#include <stdlib.h>

#include "bpf/attempt.h"

enum { AT_THE_CWD = -100, OPENAT2 = 1337 /* AUDIT_OPENAT2, younger than some headers */ };

enum item_type { ITEM_PARENT, ITEM_NAMED, ITEM_UNKNOWN };

struct item {
        bool here;
        enum item_type type;
        struct attempt_inode inode;
        size_t at, n; /* of its name, in text */
};

struct event {
        bool used;
        bool has_call;
        bool ignored; /* its call is none of ours, or did not fail so */
        uint64_t serial, stamp;
        int64_t since_ns;
        const struct attempt_call *call;
        pid_t pid;
        int error;
        uint64_t arg[4];
        uint64_t oflag;
        bool has_oflag, has_cwd;
        uint64_t n_items; /* as its call said */
        size_t cwd_at, cwd_n;
        struct item item[AUDIT_EVENT_ITEMS];
        struct buf text;
};

struct audit_events {
        struct event event[AUDIT_EVENTS_OPEN];
        struct buf path;
        uint64_t lost;
};

int audit_events_new(struct audit_events **ret, struct err *err)
{
        struct audit_events *e = calloc(1, sizeof *e);

        if (!e)
                return err_set(err, -ENOMEM, "out of memory for audit records");
        for (size_t i = 0; i < AUDIT_EVENTS_OPEN; i++)
                e->event[i].text = BUF_INIT(AUDIT_EVENT_BYTES);
        e->path = BUF_INIT(ATTEMPT_PATH_MAX);
        *ret = e;
        return 0;
}

struct audit_events *audit_events_free(struct audit_events *e)
{
        if (!e)
                return NULL;
        for (size_t i = 0; i < AUDIT_EVENTS_OPEN; i++)
                buf_done(&e->event[i].text);
        buf_done(&e->path);
        free(e);
        return NULL;
}

uint64_t audit_events_lost(const struct audit_events *e)
{
        return e->lost;
}

/* ---- one record's fields ---- */

static bool to_number(struct span s, unsigned base, uint64_t *ret)
{
        static const char digits[] = "0123456789abcdef";
        uint64_t v = 0;

        if (s.n == 0)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                uint8_t c = s.p[i];
                const char *at = memchr(digits, c, sizeof digits - 1);
                unsigned d = at ? (unsigned)(at - digits) : 16;

                if (d >= base || __builtin_mul_overflow(v, base, &v) ||
                    __builtin_add_overflow(v, d, &v))
                        return false;
        }
        *ret = v;
        return true;
}

/* The first of this name; a value has no blank in it. */
static bool field(struct span text, const char *name, struct span *ret)
{
        const size_t n = strlen(name);

        while (text.n) {
                const uint8_t *blank = memchr(text.p, ' ', text.n);
                struct span f = span_of(text.p, blank ? (size_t)(blank - text.p) : text.n);

                if (f.n > n && f.p[n] == '=' && memcmp(f.p, name, n) == 0) {
                        *ret = span_from(f, n + 1);
                        return true;
                }
                text = span_from(text, f.n + 1);
        }
        return false;
}

static bool number(struct span text, const char *name, unsigned base, uint64_t *ret)
{
        struct span v;

        return field(text, name, &v) && to_number(v, base, ret);
}

static int nibble(uint8_t c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A name, behind what is in text already; *ret_n 0: it has none. */
static bool name(struct span v, struct buf *text, size_t *ret_n)
{
        *ret_n = 0;
        if (span_eq_str(v, "(null)"))
                return true;
        if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"') {
                buf_put(text, span_of(v.p + 1, v.n - 2));
                *ret_n = v.n - 2;
                return buf_status(text) == 0 && !memchr(v.p + 1, '"', v.n - 2) &&
                       !memchr(v.p, 0, v.n);
        }
        if (v.n == 0 || v.n % 2)
                return false;
        for (size_t i = 0; i < v.n; i += 2) {
                int high = nibble(v.p[i]), low = nibble(v.p[i + 1]);

                if (high < 0 || low < 0 || high + low == 0)
                        return false;
                buf_put_byte(text, (uint8_t)(high << 4 | low));
        }
        *ret_n = v.n / 2;
        return buf_status(text) == 0;
}

/* "audit(seconds.milliseconds:serial): " */
static bool take_head(struct span *text, uint64_t *ret_stamp, uint64_t *ret_serial)
{
        const uint8_t *dot, *colon, *end;
        uint64_t s, ms;

        if (!span_starts(*text, SPAN("audit(")))
                return false;
        end = memchr(text->p, ')', text->n);
        dot = end ? memchr(text->p, '.', (size_t)(end - text->p)) : NULL;
        colon = dot ? memchr(dot, ':', (size_t)(end - dot)) : NULL;
        if (!colon || !to_number(span_of(text->p + 6, (size_t)(dot - text->p - 6)), 10, &s) ||
            !to_number(span_of(dot + 1, (size_t)(colon - dot - 1)), 10, &ms) ||
            !to_number(span_of(colon + 1, (size_t)(end - colon - 1)), 10, ret_serial) ||
            s > UINT32_MAX || ms > 999)
                return false;
        *ret_stamp = s * 1000 + ms;
        *text = span_from(*text, (size_t)(end - text->p) + 1);
        if (!span_starts(*text, SPAN(":")))
                return false;
        *text = span_from(*text, 1);
        return true;
}

/* ---- one call's records ---- */

static bool is_to_write(const struct event *x)
{
        const struct attempt_call *c = x->call;

        if (c->mask_arg == ATTEMPT_NO_ARG)
                return true;
        if (c->how == ATTEMPT_POINTED) /* unless it was lost */
                return !x->has_oflag || (x->oflag & c->mask);
        if (c->how == ATTEMPT_EQUAL)
                return (uint32_t)x->arg[c->mask_arg] == (uint32_t)c->mask;
        return x->arg[c->mask_arg] & c->mask;
}

static bool take_call(struct event *x, struct span text)
{
        uint64_t arch, nr, pid, e;
        struct span done, exit;

        if (!number(text, "arch", 16, &arch) || !number(text, "syscall", 10, &nr) ||
            !number(text, "pid", 10, &pid) || pid > INT32_MAX)
                return false;
        x->has_call = true;
        x->pid = (pid_t)pid;
        x->call = arch == AUDIT_NATIVE_ARCH && nr <= UINT32_MAX ? attempt_call_of((uint32_t)nr)
                                                                : NULL;
        x->ignored = true;
        if (!x->call || !field(text, "success", &done) || !span_eq_str(done, "no") ||
            !field(text, "exit", &exit) || !span_starts(exit, SPAN("-")) ||
            !to_number(span_from(exit, 1), 10, &e) || (e != EPERM && e != EACCES))
                return true;
        x->error = -(int)e;
        if (!number(text, "items", 10, &x->n_items) || !number(text, "a0", 16, &x->arg[0]) ||
            !number(text, "a1", 16, &x->arg[1]) || !number(text, "a2", 16, &x->arg[2]) ||
            !number(text, "a3", 16, &x->arg[3]))
                return false;
        x->ignored = false;
        return true;
}

static bool take_inode(struct span text, struct attempt_inode *ret)
{
        uint64_t ino, major, minor;
        struct span dev;
        const uint8_t *colon;

        if (!field(text, "inode", &dev))
                return true; /* it is not there */
        colon = to_number(dev, 10, &ino) && field(text, "dev", &dev) ? memchr(dev.p, ':', dev.n)
                                                                     : NULL;
        if (!colon || !to_number(span_of(dev.p, (size_t)(colon - dev.p)), 16, &major) ||
            !to_number(span_from(dev, (size_t)(colon - dev.p) + 1), 16, &minor) ||
            major > UINT32_MAX || minor > UINT32_MAX)
                return false;
        *ret = (struct attempt_inode){ .dev = major << 32 | minor, .ino = ino };
        return true;
}

static bool take_item(struct event *x, struct span text)
{
        struct item i = { .here = true, .type = ITEM_NAMED, .at = x->text.n };
        struct span v, type;
        uint64_t at;

        if (!number(text, "item", 10, &at) || !field(text, "name", &v) ||
            !field(text, "nametype", &type) || !take_inode(text, &i.inode))
                return false;
        if (at >= AUDIT_EVENT_ITEMS) /* counted by its call */
                return true;
        if (!name(v, &x->text, &i.n))
                return false;
        if (span_eq_str(type, "PARENT"))
                i.type = ITEM_PARENT;
        else if (span_eq_str(type, "UNKNOWN"))
                i.type = ITEM_UNKNOWN;
        x->item[at] = i;
        return true;
}

static bool take_cwd(struct event *x, struct span text)
{
        struct span v;

        x->cwd_at = x->text.n;
        x->has_cwd = field(text, "cwd", &v) && name(v, &x->text, &x->cwd_n) && x->cwd_n &&
                     x->text.p[x->cwd_at] == '/';
        return x->has_cwd;
}

/* ---- its end ---- */

static struct span text_at(const struct event *x, size_t at, size_t n)
{
        return n ? span_of(x->text.p + at, n) : SPAN_NONE;
}

/* Does a relative name of this call begin at the working directory?  which: its first or second. */
static bool begins_at_cwd(const struct event *x, unsigned which)
{
        unsigned arg = which && x->call->path2 != ATTEMPT_NO_ARG ? x->call->dirfd2 : x->call->dirfd;

        return arg == ATTEMPT_NO_ARG || (int32_t)x->arg[arg] == AT_THE_CWD;
}

static void put_path(struct audit_events *e, const struct event *x, const struct item *i,
                     unsigned which)
{
        struct span text = text_at(x, i->at, i->n);

        buf_clear(&e->path);
        if (text.n && text.p[0] != '/') {
                if (!x->has_cwd || !begins_at_cwd(x, which))
                        return;
                attempt_put_path(text_at(x, x->cwd_at, x->cwd_n), &e->path);
        }
        if (!text.n)
                return;
        attempt_put_path(text, &e->path);
        if (e->path.n == 0)
                buf_put_byte(&e->path, '/');
}

static const struct item *nth(const struct event *x, enum item_type type, unsigned n)
{
        const struct item *last = NULL;

        for (size_t i = 0; i < AUDIT_EVENT_ITEMS; i++) {
                if (!x->item[i].here || x->item[i].type != type)
                        continue;
                last = &x->item[i];
                if (n-- == 0)
                        break;
        }
        return last;
}

static int tell_item(struct audit_events *e, const struct event *x, const struct item *i,
                     unsigned which, bool incomplete, audit_attempt_fn *each, void *ctx)
{
        const struct item *dir = nth(x, ITEM_PARENT, which);
        struct attempt a = { .op = (enum attempt_op)x->call->op,
                             .pid = x->pid,
                             .error = x->error,
                             .exact = x->call->path == ATTEMPT_NO_ARG,
                             .incomplete = incomplete || i->type == ITEM_PARENT };

        if (i->type != ITEM_PARENT)
                a.file = i->inode;
        if (dir)
                a.dir = dir->inode;
        put_path(e, x, i, which);
        if (buf_status(&e->path) < 0)
                return buf_status(&e->path) == -ENOMEM ? -ENOMEM : 0;
        return each(ctx, &a, buf_span(&e->path));
}

/* An unknown item is a name that was not looked up: what the call was at when it came no further;
 * beside others it is what a symbolic link is to point to. */
static int tell(struct audit_events *e, const struct event *x, audit_attempt_fn *each, void *ctx)
{
        enum item_type type = nth(x, ITEM_NAMED, 0)    ? ITEM_NAMED
                              : nth(x, ITEM_PARENT, 0) ? ITEM_PARENT
                                                       : ITEM_UNKNOWN;
        unsigned which = 0;
        size_t here = 0;
        int rc = 0;

        if (!x->has_call || x->ignored || !is_to_write(x))
                return 0;
        for (size_t i = 0; i < AUDIT_EVENT_ITEMS; i++)
                here += x->item[i].here;
        if (here == 0) {
                e->lost += x->n_items > 0; /* calls of open files come without any */
                return 0;
        }
        for (size_t i = 0; i < AUDIT_EVENT_ITEMS && rc == 0; i++)
                if (x->item[i].here && x->item[i].type == type)
                        rc = tell_item(e, x, &x->item[i], which++, here < x->n_items, each, ctx);
        return rc;
}

static int end(struct audit_events *e, struct event *x, audit_attempt_fn *each, void *ctx)
{
        struct buf text = x->text;
        int rc = tell(e, x, each, ctx);

        if (!x->has_call)
                e->lost++;
        buf_clear(&text);
        *x = (struct event){ .text = text };
        return rc;
}

int audit_events_expire(struct audit_events *e, int64_t now_ns, audit_attempt_fn *each, void *ctx)
{
        int rc = 0;

        for (size_t i = 0; i < AUDIT_EVENTS_OPEN && rc == 0; i++)
                if (e->event[i].used &&
                    now_ns - e->event[i].since_ns >= AUDIT_EVENT_WAIT_MS * NS_PER_MS)
                        rc = end(e, &e->event[i], each, ctx);
        return rc;
}

/* ---- which call ---- */

static int find(struct audit_events *e, uint64_t serial, uint64_t stamp, int64_t now_ns,
                struct event **ret, audit_attempt_fn *each, void *ctx)
{
        struct event *to = &e->event[0];
        int rc;

        for (size_t i = 0; i < AUDIT_EVENTS_OPEN; i++) {
                struct event *x = &e->event[i];

                if (x->used && x->serial == serial && x->stamp == stamp) {
                        *ret = x;
                        return 0;
                }
                if (to->used && (!x->used || x->since_ns < to->since_ns))
                        to = x;
        }
        rc = to->used ? end(e, to, each, ctx) : 0;
        to->used = true;
        to->serial = serial;
        to->stamp = stamp;
        to->since_ns = now_ns;
        *ret = to;
        return rc;
}

int audit_events_take(struct audit_events *e, unsigned type, struct span text, int64_t now_ns,
                      audit_attempt_fn *each, void *ctx)
{
        uint64_t serial, stamp;
        struct event *x;
        bool ok = true;
        int rc;

        if (type != AUDIT_SYSCALL && type != AUDIT_CWD && type != AUDIT_PATH && type != OPENAT2 &&
            type != AUDIT_EOE)
                return 0;
        if (!take_head(&text, &stamp, &serial)) {
                e->lost++;
                return 0;
        }
        rc = find(e, serial, stamp, now_ns, &x, each, ctx);
        if (type == AUDIT_EOE)
                return rc < 0 ? rc : end(e, x, each, ctx);
        if (type == AUDIT_SYSCALL)
                ok = take_call(x, text);
        else if (!x->ignored && type == AUDIT_CWD)
                ok = take_cwd(x, text);
        else if (!x->ignored && type == AUDIT_PATH)
                ok = take_item(x, text);
        else if (!x->ignored)
                ok = x->has_oflag = number(text, "oflag", 8, &x->oflag);
        e->lost += !ok;
        if (buf_status(&x->text) == -ENOMEM)
                return -ENOMEM;
        return rc;
}
