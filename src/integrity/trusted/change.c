/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/change.h"

#include "base/text.h"
#include "integrity/trusted/change_state.h"
#include "integrity/watching/config.h"
#include "integrity/watching/dirty.h"
#include "integrity/who/session.h"
#include "integrity/who/who.h"
#include "integrity/why/late_past.h"
#include "integrity/why/why.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <limits.h>
#include <stdio.h>

/* What has no short form. */
#define LONG_FIELDS                                                                                \
        (RECORD_F_LINK | RECORD_F_ACL | RECORD_F_ACL_DEFAULT | RECORD_F_LABEL | RECORD_F_XATTRS)

enum {
        PLACE_MAX = 96, /* of one filesystem's path */
};

unsigned change_differs(const struct change *c)
{
        unsigned worth = c->profile ? c->profile->attributes : UINT_MAX;

        return record_diff(c->was, c->is) & worth;
}

unsigned change_differs_since(const struct change *c)
{
        struct record was = *c->was;
        struct change since = *c;
        unsigned d;

        if (c->profile && c->profile->mode == WATCH_DENY)
                was.flags |= c->is->flags & RECORD_IMMUTABLE;
        since.was = &was;
        d = change_differs(&since);
        if (c->profile && c->profile->mode == WATCH_RESTORE)
                d &= ~(unsigned)RECORD_F_INODE;
        return d;
}

bool change_reverted(const struct change *c, unsigned seen)
{
        const unsigned other =
                RECORD_F_TYPE | RECORD_F_SIZE | RECORD_F_SHA256 | RECORD_F_INODE | RECORD_F_MTIME;
        const unsigned moved = DIRTY_CAME | DIRTY_LEFT | DIRTY_DELETED;
        unsigned worth = c->profile ? c->profile->attributes : UINT_MAX;

        if (!c->was || !c->is || c->was->ctime_ns == c->is->ctime_ns)
                return false;
        if (!(worth & RECORD_F_SHA256) || change_differs(c) & other)
                return false;
        return seen & (c->is->type == RECORD_FILE ? moved | DIRTY_WRITTEN : moved);
}

const char *change_word(const struct change *c)
{
        const unsigned content = RECORD_F_TYPE | RECORD_F_SIZE | RECORD_F_LINK | RECORD_F_RDEV |
                                 RECORD_F_SHA256 | RECORD_F_MTIME;
        unsigned d;

        if (c->from.n)
                return c->over ? "replaced" : "renamed";
        if (!c->was && !c->is)
                return "transient";
        if (!c->was)
                return c->existed ? "modified" : "created";
        if (!c->is)
                return "deleted";
        d = change_differs(c);
        /* Where a filesystem tells no time of birth, a number used again looks like the same. */
        if (d & RECORD_F_INODE || c->was->type != c->is->type)
                return "replaced";
        if (d == 0 && c->passed)
                return "reverted";
        return d & content ? "modified" : "attributes";
}

/* ---- what ---- */

/* What the kernel told of a file that was gone, or as before, when it was read. */
static void put_events(struct json_writer *w, unsigned passed)
{
        static const struct {
                unsigned what;
                const char *name;
        } names[] = {
                { DIRTY_CREATED, "created" }, { DIRTY_CAME, "moved in" },
                { DIRTY_WRITTEN, "written" }, { DIRTY_CHANGED, "attributes" },
                { DIRTY_LEFT, "moved out" },  { DIRTY_DELETED, "deleted" },
        };

        json_put_key(w, "events");
        json_begin_array(w);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (passed & names[i].what)
                        json_put_string(w, span_str(names[i].name));
        json_end_array(w);
}

static void put_type(struct json_writer *w, const struct change *c)
{
        const struct record *any = c->is ? c->is : c->was;

        if (any)
                json_member_text(w, "type", record_type_name(any->type));
        else if (c->passed & DIRTY_DIRECTORY)
                json_member_text(w, "type", record_type_name(RECORD_DIR));
}

static void put_what(struct json_writer *w, const struct change *c)
{
        unsigned want = CHANGE_ALL, d = 0;

        if (c->was && c->is)
                want = d = change_differs(c);
        if (c->brief)
                want &= ~(unsigned)LONG_FIELDS;
        json_member_text(w, "change", change_word(c));
        if (c->was && c->is)
                change_put_differs(w, "differs", d);
        if (c->passed || (!c->was && !c->is))
                put_events(w, c->passed);
        if (c->from.n)
                json_put_bytes(w, "from", c->from);
        if (c->profile)
                json_member_text(w, "mode", watch_mode_name(c->profile->mode));
        if (c->mount)
                json_member_text(w, "mount", c->mount);
        if (c->is)
                change_put_state(w, "new_", c->is, c->was, want);
        if (c->was)
                change_put_state(w, "old_", c->was, c->is, want);
        if (c->on_way)
                json_member_bool(w, "on_way", true);
        json_put_bytes(w, "path", c->path);
        if (c->profile)
                json_member_string(w, "profile", c->profile->name);
        json_member_text(w, "seen", c->seen);
        put_type(w, c);
        json_end_object(w);
}

static void put_why(struct json_writer *w, const struct change *c)
{
        static const struct why none = { .state = WHY_UNEXPLAINED };
        const struct why *why = c->why ? c->why : &none;

        json_put_key(w, "why");
        json_begin_object(w);
        if (why->alert[0])
                json_member_text(w, "alert", why->alert);
        if (why->change[0])
                json_member_text(w, "change", why->change);
        if (why->content && why->state != WHY_UNEXPLAINED && c->is)
                json_member_bool(w, "content", true);
        if (why->detail[0])
                json_member_text(w, "detail", why->detail);
        if (why->alert[0] && !c->cut) {
                CLEANUP(buf_done) struct buf words = BUF_INIT(LATE_WORDS_MAX);

                late_words_put(c, &words);
                json_member_text(w, "late", buf_cstr(&words));
        }
        if (why->package[0])
                json_member_text(w, "package", why->package);
        json_member_text(w, "state", why_state_name(why->state));
        json_end_object(w);
}

void change_put(const struct change *c, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.change", c->wall_ns);
        put_what(&w, c);
        json_put_key(&w, "who");
        who_put(&w, c->brief ? NULL : c->who, c->brief ? NULL : c->also, CHANGE_ALSO_MAX,
                c->brief ? "left out, for the entry would be too long" : c->unknown);
        put_why(&w, c);
        json_end_object(&w);
}

/* One sensitive value as JSON text in scratch: its place, because scratch may move. */
struct place {
        size_t at, n;
        const char *name;
};

static void put_value(struct buf *scratch, struct place *p, const char *name, const char *name_b64,
                      const struct buf *value)
{
        p->at = scratch->n;
        if (text_is_utf8(buf_span(value), NULL)) {
                p->name = name;
                json_put_quoted(scratch, buf_span(value));
        } else {
                p->name = name_b64;
                buf_put_byte(scratch, '"');
                text_put_base64(scratch, buf_span(value));
                buf_put_byte(scratch, '"');
        }
        p->n = scratch->n - p->at;
}

static bool put_address(struct buf *scratch, struct place *p, const char *name,
                        const struct session *x)
{
        struct buf text = BUF_INIT(128);
        bool known = x && x->peer.family;

        if (known) {
                sock_addr_put(&text, &x->peer);
                put_value(scratch, p, name, NULL, &text);
        }
        buf_done(&text);
        return known;
}

size_t change_fields(const struct who *w, struct buf *scratch,
                     struct feed_field out[CHANGE_FIELDS_MAX])
{
        struct place p[CHANGE_FIELDS_MAX];
        size_t n = 0, subject_n;

        if (!w || !(w->has & WHO_HAS_UID))
                return 0;
        buf_printf(scratch, "uid:%u", w->has & WHO_HAS_AUID ? w->auid : w->uid);
        subject_n = scratch->n;
        if (put_address(scratch, &p[n], "who.address", w->login))
                n++;
        if (w->cmdline.n)
                put_value(scratch, &p[n++], "who.cmdline", "who.cmdline_b64", &w->cmdline);
        if (put_address(scratch, &p[n], "who.outer_address", session_outermost(w->login)))
                n++;
        if (w->tty.n && text_is_utf8(buf_span(&w->tty), NULL))
                put_value(scratch, &p[n++], "who.tty", NULL, &w->tty);
        if (w->user.n && text_is_utf8(buf_span(&w->user), NULL))
                put_value(scratch, &p[n++], "who.user", NULL, &w->user);
        if (buf_status(scratch) < 0)
                return 0;
        for (size_t i = 0; i < n; i++)
                out[i] = (struct feed_field){ .subject = span_of(scratch->p, subject_n),
                                              .name = span_str(p[i].name),
                                              .value = span_of(scratch->p + p[i].at, p[i].n) };
        return n;
}

/* ---- the other kinds ---- */

void gap_put(const struct gap_facts *f, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.gap", f->wall_ns);
        json_member_int(&w, "found", (int64_t)f->found);
        json_member_time(&w, "from", f->from_ns);
        json_member_text(&w, "reason", f->reason);
        json_member_u64(&w, "rescanned", f->rescanned);
        json_member_time(&w, "until", f->until_ns);
        json_end_object(&w);
        json_end_object(&w);
}

/* A path is cut: it only has to be told from the others. */
static void put_place(struct json_writer *w, const struct sensor_place *p, struct buf *b)
{
        buf_clear(b);
        text_put_safe(b, span_of(p->path.p, MIN_OF(p->path.n, (size_t)PLACE_MAX)));
        json_begin_array(w);
        json_put_string(w, buf_span(b));
        json_put_string(w, span_str(p->how));
        if (p->why)
                json_put_string(w, span_str(p->why));
        json_end_array(w);
}

static void put_places(struct json_writer *w, const char *name, const struct sensor_place *p,
                       size_t n)
{
        struct buf b = BUF_INIT(4 * PLACE_MAX);

        if (n == 0)
                return;
        json_put_key(w, name);
        json_begin_array(w);
        for (size_t i = 0; i < n; i++)
                put_place(w, &p[i], &b);
        json_end_array(w);
        buf_done(&b);
}

static void put_config(struct json_writer *w, const struct config *c)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(4 * PATH_MAX);
        char hex[2 * CONFIG_DIGEST + 1];

        text_hex(span_of(c->digest, CONFIG_DIGEST), hex);
        if (c->has_digest)
                json_member_text(w, "config", hex);
        text_put_safe(&b, span_str(c->from));
        json_member_string(w, "config_from", buf_span(&b));
}

void sensor_put(const struct sensor_facts *f, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.sensor", f->wall_ns);
        json_member_bool(&w, "after_gap", f->after_gap);
        if (f->config)
                put_config(&w, f->config);
        if (f->detail)
                json_member_text(&w, "detail", f->detail);
        json_member_text(&w, "event", f->event);
        put_places(&w, "fallbacks", f->fallbacks, f->n_fallbacks);
        json_member_u64(&w, "files", f->files);
        put_places(&w, "marks", f->marks, f->n_marks);
        if (f->n_more)
                json_member_u64(&w, "more", f->n_more);
        if (f->config)
                watchset_put_patterns(&f->config->set, &w, "paths");
        if (f->reason)
                json_member_text(&w, "reason", f->reason);
        json_member_text(&w, "version", ASSAY_VERSION);
        json_member_text(&w, "who", f->who);
        if (f->who_refused && *f->who_refused)
                json_member_text(&w, "who_refused", f->who_refused);
        json_end_object(&w);
        if (f->asked) {
                json_put_key(&w, "who");
                who_put(&w, f->asked, NULL, 0, NULL);
        }
        json_end_object(&w);
}
