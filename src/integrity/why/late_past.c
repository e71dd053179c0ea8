/* SPDX-License-Identifier: Apache-2.0 */
/* late_past.c - see late_past.h.
 *
 * Each entry is kept as, little-endian:
 *   u64 run   u64 sequence   u8 enum what   u8 bytes of id   u32 bytes of change, 0: not known
 * id, its NUL   change (late_priv.h) */
#include "integrity/why/late_past.h"

#include "base/le.h"
#include "base/text.h"
#include "integrity/trusted/change.h"
#include "integrity/why/alert.h"
#include "integrity/why/late.h"
#include "integrity/why/late_priv.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <limits.h>
#include <stdlib.h>

enum {
        HEAD = 22,
        TARGET_MAX = 1024, /* of a longer one its entry has the digest */
        NAME_MAX_BYTES = 2 * PATH_MAX,
};

enum what { CHANGED, RAISED, EXPLAINED };

struct mark {
        uint64_t run, seq;
        enum what what;
        const char *id;
        struct span change;
};

/* ---- words ---- */

void late_words_put(const struct change *c, struct buf *out)
{
        const struct record *r;
        struct source_change x;

        source_change_of(c, &x);
        r = x.is ? x.is : x.was;
        if (r)
                buf_printf(out, "%s %04o", x.is ? "is" : "was", r->mode);
        else
                buf_put_str(out, "gone");
        if (r && record_has_more_rights(r))
                buf_put_str(out, " rights");
        if (x.fresh)
                buf_put_str(out, " fresh");
        if (x.moved_on)
                buf_put_str(out, " moved_on");
        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                if (x.differs & 1u << i)
                        buf_printf(out, " %s", record_field_name[i]);
}

/* The next one; false at the end. */
static bool next_word(struct span *rest, struct span *ret)
{
        const uint8_t *blank = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
        size_t n = blank ? (size_t)(blank - rest->p) : rest->n;

        *ret = span_of(rest->p, n);
        *rest = span_from(*rest, blank ? n + 1 : n);
        return n > 0;
}

static bool take_mode(struct span word, uint32_t *ret)
{
        uint32_t mode = 0;

        for (size_t i = 0; i < word.n; i++) {
                if (word.p[i] < '0' || word.p[i] > '7')
                        return false;
                mode = mode << 3 | (uint32_t)(word.p[i] - '0');
        }
        *ret = mode;
        return word.n == 4;
}

static bool take_flag(struct span word, struct source_change *c, struct record *r)
{
        if (span_eq_str(word, "fresh"))
                return c->fresh = true;
        if (span_eq_str(word, "moved_on"))
                return c->moved_on = true;
        if (span_eq_str(word, "rights")) {
                r->known[RECORD_ACL] = RECORD_UNREADABLE; /* which ones does not matter */
                return true;
        }
        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                if (span_eq_str(word, record_field_name[i])) {
                        c->differs |= 1u << i;
                        return true;
                }
        return false;
}

/* *ret_prefix: of the members that say more of the record; NULL: there is none. */
static bool take_words(struct span words, struct source_change *c, struct record *r,
                       const char **ret_prefix)
{
        struct span word;

        if (!next_word(&words, &word))
                return false;
        *ret_prefix = span_eq_str(word, "is") ? "new_" : span_eq_str(word, "was") ? "old_" : NULL;
        if (!*ret_prefix && !span_eq_str(word, "gone"))
                return false;
        if (*ret_prefix) {
                *(word.n == 2 ? &c->is : &c->was) = r;
                if (!next_word(&words, &word) || !take_mode(word, &r->mode))
                        return false;
        }
        while (next_word(&words, &word))
                if (!take_flag(word, c, r))
                        return false;
        return words.n == 0;
}

/* ---- an entry's change ---- */

/* Bytes that may be no text: key, or key_b64.  Cleared first; false when they are not there. */
static bool take_bytes(struct json_value what, const char *prefix, const char *name,
                       struct buf *out)
{
        CLEANUP(buf_done) struct buf key = BUF_INIT(64);
        struct json_value v;
        struct span text;
        size_t n;
        uint8_t *p;

        buf_clear(out);
        buf_printf(&key, "%s%s", prefix, name);
        if (buf_status(&key) == 0 && json_get(what, buf_cstr(&key), &v))
                return json_value_text(v, out) && buf_status(out) == 0;
        buf_put_str(&key, "_b64");
        if (buf_status(&key) < 0 || !json_get(what, buf_cstr(&key), &v) ||
            !json_value_plain(v, &text) || text.n / 4 * 3 > out->max)
                return false;
        p = text.n ? buf_extend(out, text.n / 4 * 3 + 3) : NULL;
        if (!p || text_from_base64(text, p, out->n, &n) < 0)
                return false;
        out->n = n;
        return true;
}

static bool take_hash(struct json_value what, const char *prefix, struct record *r)
{
        CLEANUP(buf_done) struct buf hex = BUF_INIT(2 * RECORD_HASH + 1);

        r->hash = RECORD_HASH_UNREADABLE; /* why does not matter */
        r->reason = RECORD_REASON_IO;
        if (!take_bytes(what, prefix, "sha256", &hex))
                return true;
        if (hex.n != 2 * RECORD_HASH ||
            text_from_hex(buf_span(&hex), r->sha256, sizeof r->sha256) < 0)
                return false;
        r->hash = RECORD_HASH_KNOWN;
        r->reason = RECORD_REASON_NONE;
        return true;
}

static bool take_record(struct json_value what, const char *prefix, struct buf *target,
                        struct record *r)
{
        struct json_value v;
        struct span type;

        if (!json_get(what, "type", &v) || !json_value_plain(v, &type))
                return false;
        for (int t = RECORD_FILE; t < RECORD_TYPE_END; t++)
                if (span_eq_str(type, record_type_name((enum record_type)t)))
                        r->type = (enum record_type)t;
        if (!take_hash(what, prefix, r))
                return false;
        if (r->type != RECORD_LINK)
                return r->type > 0;
        if (!take_bytes(what, prefix, "target", target) || target->n > TARGET_MAX)
                return false;
        r->link = buf_span(target);
        return true;
}

/* The change that it tells of, as it was compared then.  False: not all of it is known. */
static bool put_change(const struct entry *e, struct buf *out)
{
        CLEANUP(buf_done)
        struct buf path = BUF_INIT(NAME_MAX_BYTES), from = BUF_INIT(NAME_MAX_BYTES);
        CLEANUP(buf_done)
        struct buf target = BUF_INIT(NAME_MAX_BYTES), record = BUF_INIT(RECORD_MAX);
        struct source_change c = { 0 };
        struct record r = { 0 };
        struct json_value v;
        const char *prefix;
        struct span words;

        if (!json_get(e->why, "late", &v) || !json_value_plain(v, &words) ||
            !take_words(words, &c, &r, &prefix) || text_to_time(e->time, &c.wall_ns) < 0 ||
            !take_bytes(e->what, "", "path", &path))
                return false;
        if (json_get(e->what, "from", &v) || json_get(e->what, "from_b64", &v))
                if (!take_bytes(e->what, "", "from", &from))
                        return false;
        if (prefix && !take_record(e->what, prefix, &target, &r))
                return false;
        c.path = buf_span(&path);
        c.from = buf_span(&from);
        return late_change_put(&c, &record, out) == 0;
}

/* ---- hearing ---- */

void late_past_done(struct late_past *p)
{
        buf_done(&p->kept);
}

static bool is_before(uint64_t run, uint64_t seq, uint64_t other_run, uint64_t other_seq)
{
        return run < other_run || (run == other_run && seq < other_seq);
}

static void lost(struct late_past *p, uint64_t run, uint64_t seq)
{
        p->full = true;
        if (!is_before(run, seq, p->low_run, p->low_seq))
                p->unsure = true;
}

static void keep(struct late_past *p, const struct mark *m)
{
        struct buf *b = &p->kept;
        size_t id_n = strlen(m->id), n = HEAD + id_n + 1 + m->change.n;
        uint8_t *at = NULL;

        if (!p->full && b->n + n <= b->max)
                at = buf_extend(b, n);
        if (!at) {
                lost(p, m->run, m->seq);
                return;
        }
        if (b->n == n || is_before(m->run, m->seq, p->low_run, p->low_seq)) {
                p->low_run = m->run;
                p->low_seq = m->seq;
        }
        le_put64(at, m->run);
        le_put64(at + 8, m->seq);
        at[16] = (uint8_t)m->what;
        at[17] = (uint8_t)id_n;
        le_put(at + 18, m->change.n, 4);
        memcpy(at + HEAD, m->id, id_n + 1);
        if (m->change.n)
                memcpy(at + HEAD + id_n + 1, m->change.p, m->change.n);
}

static bool copy_id(struct json_value object, const char *key, char ret[ALERT_ID_MAX + 1])
{
        struct json_value v;
        struct span id;

        if (!json_get(object, key, &v) || !json_value_plain(v, &id) || id.n == 0 ||
            id.n > ALERT_ID_MAX || memchr(id.p, 0, id.n))
                return false;
        memcpy(ret, id.p, id.n);
        ret[id.n] = '\0';
        return true;
}

static void take_entry(struct late_past *p, const struct entry *e, uint64_t run, uint64_t seq)
{
        CLEANUP(buf_done) struct buf change = BUF_INIT(2 * NAME_MAX_BYTES + RECORD_MAX);
        struct mark m = { .run = run, .seq = seq };
        char id[ALERT_ID_MAX + 1];

        m.id = id;
        if (span_eq_str(e->kind, "integrity.change")) {
                if (!copy_id(e->why, "alert", id))
                        return;
                m.what = CHANGED;
                if (put_change(e, &change))
                        m.change = buf_span(&change);
        } else if (span_eq_str(e->kind, "alert.raised") ||
                   span_eq_str(e->kind, "alert.explained")) {
                if (!copy_id(e->what, "id", id))
                        return;
                m.what = e->kind.n == strlen("alert.raised") ? RAISED : EXPLAINED;
        } else {
                return;
        }
        keep(p, &m);
}

/* Most entries are told here. */
static bool may_be_one(struct span s)
{
        static const char *const signs[] = { "\"alert\":\"", "\"alert.raised\"",
                                             "\"alert.explained\"" };

        for (size_t i = 0; i < ARRAY_LEN(signs); i++)
                if (s.n && memmem(s.p, s.n, signs[i], strlen(signs[i])))
                        return true;
        return false;
}

bool late_past_hear(struct late_past *p, struct span entry)
{
        struct entry e;

        if (may_be_one(entry) && json_check(entry, NULL) == 0 &&
            entry_parse(entry, &e, NULL) == 0 && span_eq_str(e.proc, "sensor") && e.run >= 0 &&
            e.seq >= 0)
                take_entry(p, &e, (uint64_t)e.run, (uint64_t)e.seq);
        return !p->full;
}

void late_past_hear_waiting(struct late_past *p, uint64_t run, uint64_t seq, struct span skeleton)
{
        struct entry e;

        if (may_be_one(skeleton) && json_check(skeleton, NULL) == 0 &&
            entry_parse(skeleton, &e, NULL) == 0 && e.proc.n == 0)
                take_entry(p, &e, run, seq);
}

/* ---- applying ---- */

static size_t next_mark(struct span *kept, struct mark *ret)
{
        size_t id_n, n;

        if (kept->n < HEAD)
                return 0;
        id_n = kept->p[17];
        n = (size_t)le_get(kept->p + 18, 4);
        *ret = (struct mark){ .run = le_get64(kept->p),
                              .seq = le_get64(kept->p + 8),
                              .what = kept->p[16],
                              .id = (const char *)kept->p + HEAD,
                              .change = span_of(kept->p + HEAD + id_n + 1, n) };
        n += HEAD + id_n + 1;
        *kept = span_from(*kept, n);
        return n;
}

static int by_order(const void *a, const void *b)
{
        const struct mark *x = a, *y = b;

        if (is_before(x->run, x->seq, y->run, y->seq))
                return -1;
        return is_before(y->run, y->seq, x->run, x->seq);
}

static void apply(const struct mark *m, struct late *l)
{
        struct source_change c;
        struct record is;

        switch (m->what) {
        case CHANGED:
                if (m->change.n)
                        late_change_get(m->change, &c, &is);
                late_recall(l, m->id, m->change.n ? &c : NULL);
                break;
        case RAISED:
                late_recall_raised(l, m->id);
                break;
        case EXPLAINED:
                late_drop(l, m->id);
                break;
        }
}

int late_past_apply(struct late_past *p, struct late *l, struct err *err)
{
        struct span rest = buf_span(&p->kept);
        struct mark m, *marks;
        size_t n = 0;

        while (next_mark(&rest, &m))
                n++;
        if (n == 0 || p->unsure)
                return 0;
        marks = calloc(n, sizeof *marks);
        if (!marks)
                return err_set(err, -ENOMEM, "out of memory for alerts of before");
        rest = buf_span(&p->kept);
        for (size_t i = 0; i < n; i++)
                next_mark(&rest, &marks[i]);
        qsort(marks, n, sizeof *marks, by_order);
        for (size_t i = 0; i < n; i++) /* one that waited may have been in the ledger, too */
                if (i == 0 || by_order(&marks[i - 1], &marks[i]) != 0)
                        apply(&marks[i], l);
        for (size_t i = 0; i < n; i++) /* and be told there under a later sequence */
                if (marks[i].what == EXPLAINED)
                        late_drop(l, marks[i].id);
        free(marks);
        late_recalled(l);
        return 0;
}
