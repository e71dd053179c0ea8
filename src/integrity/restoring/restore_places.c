/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/restore_places.h"

#include "base/clock.h"
#include "base/le.h"
#include "sys/crc32c.h"

#include <stdlib.h>

enum { SLOTS = 4096, HEAD = 8, FIXED = 5, BODY_MAX = (1 << 20) + RECORD_MAX + 64 };

/* What comes first, in all lanes. */
enum { CHANGED, ADDED, RANKS };

/* The wanted ones of some users, of one rank. */
struct lane {
        struct restore_place *first, *last;
};

struct restore_places {
        struct restore_place *slot[SLOTS];
        struct lane lanes[RESTORE_LANES][RANKS];
        unsigned turn;             /* of which lane */
        size_t n, wanted, renamed; /* renamed: of the wanted */
};

int restore_places_new(struct restore_places **ret, struct err *err)
{
        struct restore_places *s = calloc(1, sizeof *s);

        if (!s)
                return err_set(err, -ENOMEM, "out of memory for what is to be put back");
        *ret = s;
        return 0;
}

static void place_free(struct restore_place *p)
{
        free(p->good);
        free(p->moved_to);
        free(p);
}

struct restore_places *restore_places_free(struct restore_places *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < SLOTS; i++) {
                while (s->slot[i]) {
                        struct restore_place *p = s->slot[i];

                        s->slot[i] = p->hash_next;
                        place_free(p);
                }
        }
        free(s);
        return NULL;
}

size_t restore_places_wanted(const struct restore_places *s)
{
        return s->wanted;
}

/* ---- finding ---- */

struct restore_place *restore_places_find(const struct restore_places *s, struct span path)
{
        uint32_t h = crc32c(0, path);
        struct restore_place *p = s->slot[h % SLOTS];

        while (p && (p->hash != h || !span_eq(restore_place_path(p), path)))
                p = p->hash_next;
        return p;
}

struct restore_place *restore_places_make(struct restore_places *s, struct span path)
{
        struct restore_place *p = restore_places_find(s, path);
        uint32_t h = crc32c(0, path);

        if (p)
                return p;
        if (s->n >= RESTORE_PLACES_MAX)
                return NULL;
        p = calloc(1, sizeof *p + path.n);
        if (!p)
                return NULL;
        memcpy(p->path, path.p, path.n);
        p->path_n = path.n;
        p->hash = h;
        p->hash_next = s->slot[h % SLOTS];
        s->slot[h % SLOTS] = p;
        s->n++;
        return p;
}

void restore_places_drop(struct restore_places *s, struct restore_place *p)
{
        struct restore_place **at = &s->slot[p->hash % SLOTS];

        restore_place_unwant(s, p);
        while (*at != p)
                at = &(*at)->hash_next;
        *at = p->hash_next;
        s->n--;
        place_free(p);
}

static struct restore_place *from_slot(struct restore_places *s, size_t i)
{
        for (; i < SLOTS; i++)
                if (s->slot[i])
                        return s->slot[i];
        return NULL;
}

struct restore_place *restore_places_first(struct restore_places *s)
{
        return from_slot(s, 0);
}

struct restore_place *restore_places_after(struct restore_places *s, const struct restore_place *p)
{
        return p->hash_next ? p->hash_next : from_slot(s, p->hash % SLOTS + 1);
}

struct span restore_above(struct span path)
{
        const uint8_t *slash = memrchr(path.p, '/', path.n);

        return slash ? span_of(path.p, (size_t)(slash - path.p)) : SPAN_NONE;
}

bool restore_places_none_below(const struct restore_places *s, struct span path)
{
        for (path = restore_above(path); path.n; path = restore_above(path)) {
                const struct restore_place *p = restore_places_find(s, path);
                struct record r;

                if (p && p->flags & RESTORE_HAS_GOOD &&
                    (!p->good_n || record_decode(restore_place_good(p), &r, NULL) < 0 ||
                     r.type != RECORD_DIR))
                        return true;
        }
        return false;
}

/* ---- one ---- */

static int set_bytes(uint8_t **to, uint32_t *to_n, struct span from)
{
        uint8_t *copy = from.n ? malloc(from.n) : NULL;

        if (from.n && !copy)
                return -ENOMEM;
        if (from.n)
                memcpy(copy, from.p, from.n);
        free(*to);
        *to = copy;
        *to_n = (uint32_t)from.n;
        return 0;
}

int restore_place_set_good(struct restore_place *p, struct span good, bool explained)
{
        int rc = set_bytes(&p->good, &p->good_n, good);

        if (rc < 0)
                return rc;
        p->flags |= RESTORE_HAS_GOOD;
        p->flags &= ~(unsigned)RESTORE_EXPLAINED;
        p->flags |= explained ? RESTORE_EXPLAINED : 0u;
        return 0;
}

int restore_place_set_moved(struct restore_place *p, struct span to)
{
        assert(!(p->flags & RESTORE_WANTED)); /* the queue counts them */
        return set_bytes(&p->moved_to, &p->moved_to_n, to);
}

unsigned restore_place_recent(const struct restore_place *p, int64_t now_ns)
{
        unsigned n = 0;

        for (size_t i = 0; i < RESTORE_THRICE; i++)
                n += p->done_ns[i] && now_ns - p->done_ns[i] < RESTORE_WINDOW_S * NS_PER_S;
        return n;
}

unsigned restore_place_count(struct restore_place *p, int64_t now_ns)
{
        unsigned n = 1 + restore_place_recent(p, now_ns);

        memmove(p->done_ns + 1, p->done_ns, (RESTORE_THRICE - 1) * sizeof *p->done_ns);
        p->done_ns[0] = now_ns;
        return n;
}

/* ---- lanes ---- */

static uint8_t lane_of(uint32_t uid)
{
        return (uint8_t)(uid == 0 ? 0 : 1 + uid % (RESTORE_LANES - 1));
}

bool restore_places_room(const struct restore_places *s, uint32_t uid)
{
        return s->n < (size_t)RESTORE_PLACES_MAX - (uid == 0 ? 0 : RESTORE_PLACES_ROOT);
}

static void enter(struct restore_places *s, struct restore_place *p, uint32_t uid)
{
        struct lane *l;

        p->lane = lane_of(uid);
        p->rank = p->flags & RESTORE_HAS_GOOD && p->good_n == 0 ? ADDED : CHANGED;
        l = &s->lanes[p->lane][p->rank];
        p->next = NULL;
        p->prev = l->last;
        if (l->last)
                l->last->next = p;
        else
                l->first = p;
        l->last = p;
}

static void leave(struct restore_places *s, struct restore_place *p)
{
        struct lane *l = &s->lanes[p->lane][p->rank];

        if (p->prev)
                p->prev->next = p->next;
        else
                l->first = p->next;
        if (p->next)
                p->next->prev = p->prev;
        else
                l->last = p->prev;
        p->next = p->prev = NULL;
}

void restore_place_want(struct restore_places *s, struct restore_place *p, uint32_t uid,
                        int64_t now_ns, int64_t due_ns)
{
        p->due_ns = due_ns;
        if (p->flags & RESTORE_WANTED) {
                if (uid == 0 && p->lane != lane_of(uid)) { /* it need not wait behind others' */
                        leave(s, p);
                        enter(s, p, uid);
                }
                return;
        }
        p->flags |= RESTORE_WANTED;
        p->since_ns = now_ns;
        p->tries = 0;
        enter(s, p, uid);
        s->wanted++;
        s->renamed += p->moved_to_n > 0;
}

void restore_place_unwant(struct restore_places *s, struct restore_place *p)
{
        if (!(p->flags & RESTORE_WANTED))
                return;
        leave(s, p);
        p->flags &= ~(unsigned)(RESTORE_WANTED | RESTORE_SUSPENDED | RESTORE_TOLD |
                                RESTORE_PACKAGED | RESTORE_BEHIND);
        s->wanted--;
        s->renamed -= p->moved_to_n > 0;
}

static struct restore_place *topmost(struct restore_places *s, struct restore_place *p,
                                     int64_t now_ns)
{
        struct span path = restore_place_path(p);

        for (path = restore_above(path); path.n; path = restore_above(path)) {
                struct restore_place *x = restore_places_find(s, path);

                if (x && x->flags & RESTORE_WANTED && x->due_ns <= now_ns)
                        p = x;
        }
        return p;
}

static bool was_renamed_to(const struct restore_place *p, const struct restore_place *to,
                           int64_t now_ns)
{
        return p->moved_to_n && p->due_ns <= now_ns &&
               span_eq(span_of(p->moved_to, p->moved_to_n), restore_place_path(to));
}

/* What was renamed to this place, if that is wanted too. */
static struct restore_place *renamed_from(struct restore_places *s, struct restore_place *to,
                                          int64_t now_ns)
{
        struct restore_place *p;

        for (unsigned i = 0; i < RESTORE_LANES; i++)
                for (int rank = 0; rank < RANKS; rank++)
                        for (p = s->lanes[i][rank].first; p; p = p->next)
                                if (was_renamed_to(p, to, now_ns))
                                        return p;
        return to;
}

static struct restore_place *first_due(const struct lane *l, int64_t now_ns)
{
        struct restore_place *p = l->first;

        while (p && p->due_ns > now_ns)
                p = p->next;
        return p;
}

struct restore_place *restore_places_next(struct restore_places *s, int64_t now_ns)
{
        struct restore_place *p = NULL;

        for (int rank = 0; rank < RANKS && !p; rank++)
                for (unsigned i = 0; i < RESTORE_LANES && !p; i++)
                        p = first_due(&s->lanes[(s->turn + i) % RESTORE_LANES][rank], now_ns);
        if (!p)
                return NULL;
        s->turn = (p->lane + 1u) % RESTORE_LANES;
        p = topmost(s, p, now_ns);
        /* Only what should not be there can have come from elsewhere by a rename. */
        return p->moved_to_n || !s->renamed ? p : renamed_from(s, p, now_ns);
}

int64_t restore_places_due(const struct restore_places *s, int64_t now_ns)
{
        const struct restore_place *p;
        int64_t due = -1;

        for (unsigned i = 0; i < RESTORE_LANES; i++)
                for (int rank = 0; rank < RANKS; rank++)
                        for (p = s->lanes[i][rank].first; p && (due < 0 || due > now_ns);
                             p = p->next)
                                if (due < 0 || p->due_ns < due)
                                        due = p->due_ns;
        return due;
}

/* ---- how much at once ---- */

static void refill(struct restore_budget *b, int64_t now_ns)
{
        int64_t ms = b->at_ns ? (now_ns - b->at_ns) / NS_PER_MS : INT32_MAX;

        if (ms <= 0)
                return;
        ms = MIN_OF(ms, (int64_t)RESTORE_BYTES_BURST / RESTORE_BYTES_PER_S * 1000);
        b->tokens = MIN_OF(b->tokens + ms * RESTORE_PER_S / 1000, (int64_t)RESTORE_BURST);
        b->bytes = MIN_OF(b->bytes + ms * (RESTORE_BYTES_PER_S / 1000), RESTORE_BYTES_BURST);
        if (ms * RESTORE_PER_S / 1000 > 0)
                b->at_ns = now_ns;
}

int64_t restore_budget_due(struct restore_budget *b, int64_t now_ns)
{
        refill(b, now_ns);
        return b->tokens > 0 && b->bytes > 0 ? now_ns : now_ns + NS_PER_S / RESTORE_PER_S;
}

void restore_budget_take(struct restore_budget *b, uint64_t bytes)
{
        b->tokens--;
        b->bytes -= (int64_t)MIN_OF(bytes, (uint64_t)RESTORE_BYTES_BURST);
}

/* ---- the file ---- */

void restore_log_put(struct buf *out, enum restore_op op, struct span path, struct span rest)
{
        size_t at = out->n;

        le_append(out, FIXED + path.n + rest.n, 4);
        le_append(out, 0, 4);
        buf_put_byte(out, (uint8_t)op);
        le_append(out, path.n, 4);
        buf_put(out, path);
        buf_put(out, rest);
        if (buf_status(out) == 0)
                le_put32(out->p + at + 4, crc32c(0, span_from(buf_span(out), at + HEAD)));
}

static void put_good(struct buf *out, const struct restore_place *p)
{
        CLEANUP(buf_done) struct buf rest = BUF_INIT(1 + RECORD_MAX);

        buf_put_byte(&rest, p->flags & RESTORE_EXPLAINED ? 1 : 0);
        buf_put(&rest, restore_place_good(p));
        restore_log_put(out, RESTORE_OP_GOOD, restore_place_path(p), buf_span(&rest));
        if (buf_status(&rest) < 0)
                out->status = buf_status(&rest);
}

void restore_log_put_place(struct buf *out, const struct restore_place *p)
{
        struct span path = restore_place_path(p);

        if (p->flags & RESTORE_HAS_GOOD)
                put_good(out, p);
        if (p->flags & RESTORE_WANTED)
                restore_log_put(out, RESTORE_OP_WANTED, path, SPAN_NONE);
        if (p->temp[0])
                restore_log_put(out, RESTORE_OP_TEMP, path, span_str(p->temp));
}

static bool is_temp(struct span s)
{
        return s.n > 0 && s.n < RESTORE_TEMP && !memchr(s.p, 0, s.n) && !memchr(s.p, '/', s.n) &&
               !span_eq_str(s, ".") && !span_eq_str(s, "..");
}

/* -EBADMSG: it says nothing. */
static int take_op(struct restore_places *s, enum restore_op op, struct span path, struct span rest)
{
        struct restore_place *p = restore_places_make(s, path);
        struct record r;

        if (!p)
                return s->n >= RESTORE_PLACES_MAX ? 0 : -ENOMEM;
        switch (op) {
        case RESTORE_OP_GOOD:
                if (rest.n < 1 || rest.p[0] > 1 ||
                    (rest.n > 1 && record_decode(span_from(rest, 1), &r, NULL) < 0))
                        return -EBADMSG;
                return restore_place_set_good(p, span_from(rest, 1), rest.p[0] == 1);
        case RESTORE_OP_WANTED:
                restore_place_want(s, p, UINT32_MAX, 0, 0);
                return 0;
        case RESTORE_OP_TEMP:
                if (!is_temp(rest))
                        return -EBADMSG;
                memcpy(p->temp, rest.p, rest.n);
                p->temp[rest.n] = '\0';
                return 0;
        case RESTORE_OP_ENDED:
                restore_place_unwant(s, p);
                p->temp[0] = '\0';
                return 0;
        default:
                restore_places_drop(s, p);
                return 0;
        }
}

int restore_log_read(struct span file, struct restore_places *s, size_t *ret_n)
{
        size_t at = 0;

        for (;;) {
                struct span rest = span_from(file, at), body, path;
                size_t n = rest.n < HEAD ? 0 : le_get32(rest.p), path_n;
                int rc;

                if (rest.n < HEAD || n < FIXED || n > BODY_MAX || n > rest.n - HEAD)
                        break;
                body = span_of(rest.p + HEAD, n);
                path_n = le_get32(body.p + 1);
                if (crc32c(0, body) != le_get32(rest.p + 4) || path_n > n - FIXED ||
                    body.p[0] == 0 || body.p[0] >= RESTORE_OP_END)
                        break;
                path = span_of(body.p + FIXED, path_n);
                if (path.n < 2 || path.p[0] != '/' || memchr(path.p, 0, path.n))
                        break;
                rc = take_op(s, body.p[0], path, span_from(body, FIXED + path_n));
                if (rc == -ENOMEM)
                        return rc;
                if (rc < 0)
                        break;
                at += HEAD + n;
        }
        *ret_n = at;
        return 0;
}
