/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: skeletons come from other processes; json_check() has passed them. */
#include "wire/entry.h"

#include "base/clock.h"
#include "base/text.h"

enum { ENTRY_ID_TIME = 10 };

void entry_begin(struct json_writer *w, struct buf *out, const char *kind, int64_t wall_ns)
{
        json_writer_init(w, out);
        json_begin_object(w);
        json_member_text(w, "k", kind);
        json_member_time(w, "t", wall_ns);
        json_member_int(w, "v", 1);
        json_put_key(w, "what");
        json_begin_object(w);
}

bool entry_host_ok(struct span host)
{
        if (host.n < 1 || host.n > ENTRY_HOST_MAX)
                return false;
        for (size_t i = 0; i < host.n; i++) {
                uint8_t c = host.p[i], lower = c | 0x20;

                if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
                    c != '-')
                        return false;
        }
        return true;
}

void entry_id(const struct entry_stamp *s, char out[ENTRY_ID_MAX + 1])
{
        static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        /* 48 bits, as in a ULID: good until the year 10889.  Before 1970 there is only zero. */
        uint64_t ms = s->wall_ns < 0 ? 0 : (uint64_t)(s->wall_ns / NS_PER_MS);
        char *at = out + ENTRY_ID_TIME;

        assert(entry_host_ok(s->host));
        for (size_t i = ENTRY_ID_TIME; i-- > 0; ms >>= 5)
                out[i] = crockford[ms & 31];
        *at++ = '-';
        memcpy(at, s->host.p, s->host.n);
        at += s->host.n;
        *at++ = '-';
        at += text_u64(s->run, at);
        *at++ = '-';
        text_u64(s->seq, at);
}

/* ---- compose ---- */

/* What the recorder puts into the skeleton, in the order of the keys. */
enum stamped { STAMPED_SD, STAMPED_SUBJ, STAMPED_ID, STAMPED_SRC, STAMPED_END };

static const struct span stamped_key[STAMPED_END] = {
        [STAMPED_SD] = SPAN_INIT("_sd"),
        [STAMPED_SUBJ] = SPAN_INIT("_subj"),
        [STAMPED_ID] = SPAN_INIT("id"),
        [STAMPED_SRC] = SPAN_INIT("src"),
};

static void put_list(struct buf *out, const struct span *items, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                buf_put(out, i ? SPAN("\",\"") : SPAN("[\""));
                buf_put(out, items[i]);
        }
        buf_put(out, SPAN("\"]"));
}

static void put_number(struct buf *out, struct span key, uint64_t v)
{
        char text[TEXT_U64_MAX + 1];

        buf_put(out, key);
        buf_put(out, span_of(text, text_u64(v, text)));
}

/* One member with its comma; nothing for an empty list. */
static void put_stamped(struct buf *out, enum stamped which, const struct entry_stamp *s)
{
        char id[ENTRY_ID_MAX + 1];

        if ((which == STAMPED_SD && s->n_digests == 0) ||
            (which == STAMPED_SUBJ && s->n_subjects == 0))
                return;
        buf_put_byte(out, '"');
        buf_put(out, stamped_key[which]);
        buf_put(out, SPAN("\":"));
        switch (which) {
        case STAMPED_SD:
                put_list(out, s->digests, s->n_digests);
                break;
        case STAMPED_SUBJ:
                put_list(out, s->subjects, s->n_subjects);
                break;
        case STAMPED_ID:
                entry_id(s, id);
                json_put_quoted(out, span_str(id));
                break;
        default:
                buf_put(out, SPAN("{\"host\":"));
                json_put_quoted(out, s->host);
                buf_put(out, SPAN(",\"proc\":"));
                json_put_quoted(out, s->proc);
                put_number(out, SPAN(",\"run\":"), s->run);
                put_number(out, SPAN(",\"seq\":"), s->seq);
                buf_put_byte(out, '}');
        }
        buf_put_byte(out, ',');
}

static bool type_matches(const char *key, enum json_type type)
{
        return type == (key[0] == 'v' ? JSON_INT : JSON_STRING);
}

/* Splice the stamped members into the skeleton.  Everything behind v stays one piece. */
static int splice(struct span skeleton, const struct entry_stamp *s, struct buf *out,
                  struct err *err)
{
        static const char *const needed[] = { "k", "t", "v" };
        struct json_iter it = json_iter_of(json_value_of(skeleton));
        size_t copied = 1, next = 0, have = 0;
        struct json_value value;
        struct span key;

        buf_put_byte(out, '{');
        while (have < ARRAY_LEN(needed) && json_next(&it, &key, &value)) {
                size_t at = (size_t)(key.p - 1 - skeleton.p);

                for (; next < STAMPED_END && span_cmp(stamped_key[next], key) <= 0; next++) {
                        if (span_eq(stamped_key[next], key))
                                return err_set(err, -EINVAL, "%s is the recorder's to set",
                                               (const char *)stamped_key[next].p);
                        buf_put(out, span_of(skeleton.p + copied, at - copied));
                        copied = at;
                        put_stamped(out, (enum stamped)next, s);
                }
                if (!span_eq_str(key, needed[have]))
                        continue;
                if (!type_matches(needed[have], value.type))
                        return err_set(err, -EINVAL, "%s must be %s", needed[have],
                                       needed[have][0] == 'v' ? "an integer" : "a string");
                have++;
        }
        if (have < ARRAY_LEN(needed))
                return err_set(err, -EINVAL, "%s is missing", needed[have]);
        assert(next == STAMPED_END); /* all of them sort before v */
        buf_put(out, span_from(skeleton, copied));
        return 0;
}

int entry_compose(struct span skeleton, const struct entry_stamp *s, struct buf *out,
                  struct err *err)
{
        size_t base = out->n;
        int r;

        assert(entry_host_ok(s->host));
        if (s->run > JSON_INT_MAX || s->seq > JSON_INT_MAX)
                return err_set(err, -EINVAL, "src.%s does not fit an integer of 2^53-1",
                               s->run > JSON_INT_MAX ? "run" : "seq");
        if (skeleton.n < 2 || skeleton.p[0] != '{')
                return err_set(err, -EINVAL, "the skeleton is no object");
        r = splice(skeleton, s, out, err);
        if (r == 0 && buf_status(out) < 0)
                r = err_set(err, buf_status(out), "no room for the entry");
        if (r == 0 && out->n - base > ENTRY_MAX)
                r = err_set(err, -E2BIG, "the entry has %zu bytes, at most %d are recorded",
                            out->n - base, ENTRY_MAX);
        if (r < 0)
                out->n = base;
        return r;
}

/* ---- parse ---- */

struct parsed {
        struct entry entry;
        struct json_value src;
};

enum part_type { PART_STRING, PART_INT, PART_ARRAY, PART_OBJECT };

struct part {
        const char *key;
        enum part_type type;
        size_t at; /* in struct parsed: a span, an int64_t or a json_value */
};

static int set_part(const struct part *part, struct json_value v, const char *prefix,
                    struct parsed *p, struct err *err)
{
        static const char *const names[] = { "a string without escapes", "an integer", "an array",
                                             "an object" };
        void *at = (uint8_t *)p + part->at;
        bool ok;

        switch (part->type) {
        case PART_STRING:
                ok = json_value_plain(v, at);
                break;
        case PART_INT:
                ok = json_value_int(v, at);
                break;
        default:
                ok = v.type == (part->type == PART_ARRAY ? JSON_ARRAY : JSON_OBJECT);
                if (ok)
                        memcpy(at, &v, sizeof v);
        }
        if (ok)
                return 0;
        return err_set(err, -EINVAL, "%s%s must be %s", prefix, part->key, names[part->type]);
}

/* Both lists ascend, so one walk finds all.  -EINVAL: the first that did not fit; all others are
 * set nevertheless. */
static int set_parts(struct json_value object, const struct part *parts, size_t n,
                     const char *prefix, struct parsed *p, struct err *err)
{
        struct json_iter it = json_iter_of(object);
        struct json_value v;
        struct span key;
        struct err scrap;
        size_t i = 0;
        int r = 0, one;

        while (i < n && json_next(&it, &key, &v)) {
                while (i < n && span_cmp(span_str(parts[i].key), key) < 0)
                        i++;
                if (i == n || !span_eq_str(key, parts[i].key))
                        continue;
                one = set_part(&parts[i], v, prefix, p, r ? &scrap : err);
                r = r ? r : one;
        }
        return r;
}

/* *p is set but for what does not fit. */
static int parse(struct span s, struct parsed *p, struct err *err)
{
        static const struct part top[] = {
                { "_sd", PART_ARRAY, offsetof(struct parsed, entry.sd) },
                { "_subj", PART_ARRAY, offsetof(struct parsed, entry.subj) },
                { "id", PART_STRING, offsetof(struct parsed, entry.id) },
                { "k", PART_STRING, offsetof(struct parsed, entry.kind) },
                { "src", PART_OBJECT, offsetof(struct parsed, src) },
                { "t", PART_STRING, offsetof(struct parsed, entry.time) },
                { "v", PART_INT, offsetof(struct parsed, entry.v) },
                { "what", PART_OBJECT, offsetof(struct parsed, entry.what) },
                { "who", PART_OBJECT, offsetof(struct parsed, entry.who) },
                { "why", PART_OBJECT, offsetof(struct parsed, entry.why) },
        };
        static const struct part source[] = {
                { "host", PART_STRING, offsetof(struct parsed, entry.host) },
                { "proc", PART_STRING, offsetof(struct parsed, entry.proc) },
                { "run", PART_INT, offsetof(struct parsed, entry.run) },
                { "seq", PART_INT, offsetof(struct parsed, entry.seq) },
        };
        struct err scrap;
        int r, of_source;

        *p = (struct parsed){ .entry = { .run = -1, .seq = -1 } };
        if (s.n == 0 || s.p[0] != '{')
                return err_set(err, -EINVAL, "an entry must be an object");
        p->entry.object = json_value_of(s);
        r = set_parts(p->entry.object, top, ARRAY_LEN(top), "", p, err);
        if (p->src.raw.n > 0) {
                of_source =
                        set_parts(p->src, source, ARRAY_LEN(source), "src.", p, r ? &scrap : err);
                r = r ? r : of_source;
        }
        return r;
}

int entry_parse(struct span s, struct entry *ret, struct err *err)
{
        struct parsed p;
        int r = parse(s, &p, err);

        if (r == 0)
                *ret = p.entry;
        return r;
}

int entry_read(struct span s, struct entry *ret, bool *ret_fits, struct err *err)
{
        struct parsed p;
        int r = parse(s, &p, err);

        if (r < 0 && p.entry.object.raw.n == 0)
                return r;
        *ret = p.entry;
        *ret_fits = r == 0;
        return 0;
}
