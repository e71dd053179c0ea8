/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf.c - from an entry's fields, by a kind's rows, to an event; see ocsf.h.
 *
 * Rows are sorted by place, which is the order of keys in canonical JSON, so an event is written
 * from front to back: between two places only brackets close and open.  Two attributes are known
 * only at the end, what is observable and what no row has claimed; they are put in then.
 *
 * SECURITY: entries are other people's bytes; json_check() has passed them. */
#include <stdlib.h>

#include "base/text.h"
#include "wire/ocsf_priv.h"

enum { PLAN_MAX = 160, ABSENT = 255, SCRATCH_MAX = 1024 * 1024 };

static const char *const envelope_paths[OCSF_ENVELOPE] = {
        [OCSF_ID] = "id",         [OCSF_K] = "k", [OCSF_HOST] = "src.host",
        [OCSF_PROC] = "src.proc", [OCSF_T] = "t", [OCSF_V] = "v",
};

/* The rows that hold for a kind, in order. */
struct plan {
        size_t n, observables, unmapped; /* the first rows behind these two */
        struct {
                const struct ocsf_row *row;
                uint8_t value; /* which one it is filled from; ABSENT: none */
        } at[PLAN_MAX];
};

struct ocsf {
        struct buf scratch, rest;
        struct plan *plan[]; /* plan_count() of them; NULL: not made yet */
};

/* One of each kind, one of unknown ones, one of each table of the state. */
static size_t plan_count(void)
{
        return kind_count + 1 + ocsf_state_count;
}

static size_t plan_number(const struct kind *k, const struct ocsf_map *map)
{
        if (map >= ocsf_state_maps && map < ocsf_state_maps + ocsf_state_count)
                return kind_count + 1 + (size_t)(map - ocsf_state_maps);
        return k ? (size_t)(k - kind_table) : kind_count;
}

int ocsf_new(struct ocsf **ret, struct err *err)
{
        struct ocsf *o = calloc(1, sizeof(*o) + plan_count() * sizeof(struct plan *));

        if (!o)
                return err_set(err, -ENOMEM, "OCSF: out of memory");
        o->scratch = BUF_INIT(SCRATCH_MAX);
        o->rest = BUF_INIT(SCRATCH_MAX);
        *ret = o;
        return 0;
}

struct ocsf *ocsf_free(struct ocsf *o)
{
        for (size_t i = 0; o && i < plan_count(); i++)
                free(o->plan[i]);
        if (o) {
                buf_done(&o->scratch);
                buf_done(&o->rest);
        }
        free(o);
        return NULL;
}

/* ---- plans ---- */

static size_t value_index(const struct kind *k, const char *path)
{
        const struct kind_field *f;
        bool b64;

        for (size_t i = 0; i < OCSF_ENVELOPE; i++)
                if (strcmp(envelope_paths[i], path) == 0)
                        return KIND_FIELDS_MAX + i;
        f = k ? kind_field_find(k, SPAN_NONE, span_str(path), &b64) : NULL;
        return f && !b64 ? (size_t)(f - k->fields) : ABSENT;
}

/* In its place; one that is there already stays. */
static void plan_add(struct plan *p, const struct kind *k, const struct ocsf_row *row)
{
        size_t value = row->field ? value_index(k, row->field) : ABSENT, at = p->n;

        if (row->field && value == ABSENT && !(row->when & OCSF_EVEN_ABSENT))
                return;
        while (at > 0 && strcmp(p->at[at - 1].row->path, row->path) > 0)
                at--;
        if (at > 0 && strcmp(p->at[at - 1].row->path, row->path) == 0)
                return;
        assert(p->n < PLAN_MAX);
        memmove(&p->at[at + 1], &p->at[at], (p->n - at) * sizeof(p->at[0]));
        p->at[at].row = row;
        p->at[at].value = (uint8_t)value;
        p->n++;
}

static const struct plan *plan_of(struct ocsf *o, const struct kind *k, const struct ocsf_map *map,
                                  const struct ocsf_class *class)
{
        const struct ocsf_rows *const all[] = { &map->rows, &class->rows, &ocsf_common };
        struct plan **plan = &o->plan[plan_number(k, map)];
        struct plan *made = *plan;

        if (made)
                return made;
        *plan = calloc(1, sizeof(**plan));
        for (size_t i = 0; *plan && i < ARRAY_LEN(all); i++)
                for (size_t n = 0; n < all[i]->n; n++)
                        plan_add(*plan, k, &all[i]->at[n]);
        for (size_t i = 0; *plan && i < (*plan)->n; i++) {
                (*plan)->observables += strcmp((*plan)->at[i].row->path, "observables") < 0;
                (*plan)->unmapped += strcmp((*plan)->at[i].row->path, "unmapped") < 0;
        }
        return *plan;
}

/* ---- values ---- */

static void set_value(struct ocsf_event *e, size_t at, struct json_value v, bool b64)
{
        e->value[at] = (struct ocsf_value){ v, true, b64, (uint8_t)at };
}

static void take_envelope(struct ocsf_event *e)
{
        struct json_value v;

        for (size_t i = 0; i < OCSF_ENVELOPE; i++) {
                bool number = i == OCSF_V;

                if (json_get_path(e->in->entry->object, envelope_paths[i], &v) &&
                    v.type == (number ? JSON_INT : JSON_STRING))
                        set_value(e, KIND_FIELDS_MAX + i, v, false);
        }
}

static void take_members(struct ocsf_event *e, const char *parent, struct json_value object)
{
        const struct kind *k = e->in->kind;
        const struct kind_field *f;
        struct json_value v;
        struct json_iter it;
        struct span key;
        bool b64;

        if (!object.raw.n || object.type != JSON_OBJECT)
                return;
        for (it = json_iter_of(object); json_next(&it, &key, &v);) {
                f = kind_field_find(k, span_str(parent), key, &b64);
                if (f && kind_field_fits(f, v, b64))
                        set_value(e, (size_t)(f - k->fields), v, b64);
        }
}

static void take_disclosed(struct ocsf_event *e)
{
        const struct kind *k = e->in->kind;
        bool b64;

        for (size_t i = 0; i < e->in->n_disclosed; i++) {
                const struct disclosure *d = &e->in->disclosed[i];
                const struct kind_field *f = kind_field_find(k, SPAN_NONE, d->name, &b64);

                if (f && kind_field_fits(f, d->value, b64))
                        set_value(e, (size_t)(f - k->fields), d->value, b64);
        }
}

static void take_values(struct ocsf_event *e)
{
        const struct entry *entry = e->in->entry;

        take_envelope(e);
        if (!e->in->kind)
                return;
        take_members(e, "what", entry->what);
        take_members(e, "who", entry->who);
        take_members(e, "why", entry->why);
        take_disclosed(e);
}

const struct ocsf_value *ocsf_find(const struct ocsf_event *e, const char *path)
{
        size_t at = value_index(e->in->kind, path);

        return at != ABSENT && e->value[at].there ? &e->value[at] : NULL;
}

bool ocsf_is(const struct ocsf_event *e, const char *path, const char *text)
{
        const struct ocsf_value *v = ocsf_find(e, path);
        struct span s;

        return v && !v->b64 && json_value_plain(v->json, &s) && span_eq_str(s, text);
}

struct buf *ocsf_scratch(struct ocsf_event *e)
{
        if (e->failed == 0)
                e->failed = buf_status(e->scratch);
        buf_clear(e->scratch);
        return e->scratch;
}

/* ---- what is picked ---- */

static const struct ocsf_word *caption_of(const struct ocsf_word *captions, int id)
{
        while (captions->caption && captions->id != id)
                captions++;
        return captions;
}

static struct ocsf_pick pick(const struct ocsf_event *e, const struct ocsf_choice *c,
                             const struct ocsf_word *captions)
{
        const struct ocsf_value *v = c->field ? ocsf_find(e, c->field) : NULL;
        const struct ocsf_word *w = c->words;
        struct ocsf_pick p = { 0 };
        struct span text;

        if (v && !json_value_plain(v->json, &text))
                v = NULL;
        while (w->from && !(v && span_eq_str(text, w->from)))
                w++;
        if (!v && c->instead)
                v = ocsf_find(e, c->instead);
        p.id = w->id;
        p.caption = w->caption;
        if (!p.caption && w->id != 99)
                p.caption = caption_of(captions, w->id)->caption;
        /* "Other" would say no more than 99 does. */
        if (!p.caption && v && json_value_plain(v->json, &text) && text.n &&
            !span_eq_str(text, "Other"))
                p.word = v->json;
        return p;
}

/* ---- places ---- */

struct place {
        struct buf *out;
        const char *path; /* of what was written last; NULL: nothing yet */
};

static const char *segment_end(const char *at)
{
        return strchrnul(at, '.');
}

static bool is_array(const char *at, const char *end)
{
        return end - at > 2 && end[-1] == ']';
}

/* Where the objects that both are in end. */
static size_t common_part(const char *a, const char *b)
{
        size_t common = 0;

        for (size_t i = 0; a[i] && a[i] == b[i]; i++)
                if (a[i] == '.')
                        common = i + 1;
        return common;
}

/* Close what is open behind `common`, innermost first. */
static void close_behind(struct place *p, size_t common)
{
        const char *at = p->path + common, *dot;
        size_t n = 0;
        char close[64];

        for (; *(dot = segment_end(at)); at = dot + 1) {
                assert(n + 2 <= sizeof(close));
                if (is_array(at, dot))
                        close[n++] = ']';
                close[n++] = '}';
        }
        while (n > 0)
                buf_put_byte(p->out, (uint8_t)close[--n]);
}

static void put_key(struct buf *out, const char *at, const char *end)
{
        buf_put_byte(out, '"');
        buf_put(out, span_of(at, (size_t)(end - at) - (is_array(at, end) ? 2 : 0)));
        buf_put(out, SPAN("\":"));
}

static void go_to(struct place *p, const char *path)
{
        size_t common = p->path ? common_part(p->path, path) : 0;
        const char *at = path + common, *dot;

        if (p->path) {
                close_behind(p, common);
                buf_put_byte(p->out, ',');
        }
        for (; *(dot = segment_end(at)); at = dot + 1) {
                put_key(p->out, at, dot);
                buf_put(p->out, is_array(at, dot) ? SPAN("[{") : SPAN("{"));
        }
        put_key(p->out, at, dot);
        p->path = path;
}

/* ---- writing ---- */

static void observe(struct ocsf_event *e, const struct ocsf_row *row, size_t at)
{
        if (e->n_observables == OCSF_OBSERVABLES)
                return;
        e->observable[e->n_observables].row = row;
        e->observable[e->n_observables].at = at;
        e->observable[e->n_observables++].n = e->out->n - at;
}

static void put_row(struct ocsf_event *e, struct place *p, const struct ocsf_row *row,
                    const struct ocsf_value *v)
{
        struct place before = *p;
        size_t mark = e->out->n, at;
        enum ocsf_said said;

        if (row->field && !v && !(row->when & OCSF_EVEN_ABSENT))
                return;
        if ((row->when & ~(unsigned)OCSF_EVEN_ABSENT & ~e->has))
                return;
        go_to(p, row->path);
        at = e->out->n;
        said = row->put(e, row, v);
        if (said == OCSF_NOTHING) {
                *p = before;
                if (buf_status(e->out) == 0)
                        e->out->n = mark;
                return;
        }
        if (said == OCSF_EXACTLY && v)
                e->claimed[v->claims] = true;
        if (row->observable)
                observe(e, row, at);
}

/* Names as the schema wants them: the one object of an array is number 0. */
static void put_observed_name(const char *path, struct buf *out)
{
        for (; *path; path++) {
                if (*path == ']')
                        buf_put_byte(out, '0');
                buf_put_byte(out, (uint8_t)*path);
        }
}

static void put_observables(const struct ocsf_event *e, struct buf *out)
{
        static const struct ocsf_word types[] = {
                { NULL, 2, "IP Address" },   { NULL, 4, "User Name" },
                { NULL, 7, "File Name" },    { NULL, 8, "Hash" },
                { NULL, 9, "Process Name" }, { NULL, 13, "Command Line" },
                { NULL, 15, "Process ID" },  { NULL, 45, "File Path" },
                { NULL, 0, NULL },
        };

        buf_put(out, SPAN(",\"observables\":["));
        for (size_t i = 0; i < e->n_observables; i++) {
                const struct ocsf_row *row = e->observable[i].row;
                struct span value = span_of(e->out->p + e->observable[i].at, e->observable[i].n);
                bool text = value.n && value.p[0] == '"';

                buf_put(out, i ? SPAN(",{\"name\":\"") : SPAN("{\"name\":\""));
                put_observed_name(row->path, out);
                buf_printf(out, "\",\"type\":\"%s\",\"type_id\":%d,\"value\":%s",
                           caption_of(types, row->observable)->caption, row->observable,
                           text ? "" : "\"");
                buf_put(out, value);
                buf_put(out, text ? SPAN("}") : SPAN("\"}"));
        }
        buf_put_byte(out, ']');
}

static void insert(struct buf *out, size_t at, struct span text)
{
        size_t tail = out->n - at;
        uint8_t *end = buf_extend(out, text.n);

        if (!end)
                return;
        memmove(out->p + at + text.n, out->p + at, tail);
        memcpy(out->p + at, text.p, text.n);
}

/* At the top, behind all objects: where a late attribute goes in. */
static size_t late_place(struct place *p)
{
        static const char top[] = "_"; /* a place in no object */

        close_behind(p, 0);
        p->path = top;
        return p->out->n;
}

static void put_rows(struct ocsf_event *e, const struct plan *plan, struct buf *rest)
{
        struct place p = { .out = e->out };
        size_t observables = 0, unmapped = 0, n;

        buf_put_byte(e->out, '{');
        for (size_t i = 0; i < plan->n; i++) {
                const struct ocsf_row *row = plan->at[i].row;
                size_t value = plan->at[i].value;

                if (i == plan->observables)
                        observables = late_place(&p);
                if (i == plan->unmapped)
                        unmapped = late_place(&p);
                put_row(e, &p, row,
                        value != ABSENT && e->value[value].there ? &e->value[value] : NULL);
        }
        if (plan->unmapped == plan->n)
                unmapped = late_place(&p);
        else
                close_behind(&p, 0);
        if (buf_status(e->out) < 0)
                return;
        if (e->n_observables)
                put_observables(e, rest);
        n = rest->n;
        ocsf_put_rest(e, rest);
        if (buf_status(rest) < 0)
                return;
        insert(e->out, unmapped, span_from(buf_span(rest), n));
        insert(e->out, observables, span_of(rest->p, n));
        buf_put_byte(e->out, '}');
}

int ocsf_put(struct ocsf *o, const struct ocsf_input *in, struct buf *out, struct err *err)
{
        const struct ocsf_map *map = in->kind ? ocsf_map_find(in->kind->name) : NULL;
        const struct ocsf_class *class = map ? ocsf_class_find(in->kind->ocsf) : NULL;
        const struct kind *kind = class ? in->kind : NULL;
        struct ocsf_input known = *in;
        struct ocsf_event e = { .in = &known, .out = out, .scratch = &o->scratch };
        const struct plan *plan;
        size_t before = out->n;
        int status;

        assert(in->n_disclosed <= OCSF_DISCLOSED_MAX && in->leaf.n == TILE_HASH);
        known.kind = kind;
        e.map = kind ? map : &ocsf_map_unknown;
        e.class = kind ? class : ocsf_class_find(0);
        buf_clear(&o->scratch);
        take_values(&e);
        if (e.map->find && (map = e.map->find(&e))) {
                e.map = map;
                e.class = ocsf_class_find(map->class_uid);
        }
        plan = plan_of(o, kind, e.map, e.class);
        if (!plan)
                return err_set(err, -ENOMEM, "OCSF: out of memory");
        if (ocsf_find(&e, "who.pid"))
                e.has |= OCSF_WITH_PROCESS;
        if (e.map->prepare)
                e.map->prepare(&e);
        e.activity = pick(&e, &e.map->activity, e.class->activities);
        if (e.map->pick_activity)
                e.activity = e.map->pick_activity(&e, e.activity);
        e.severity = pick(&e, &e.map->severity, ocsf_severities);
        if (e.map->pick_severity)
                e.severity = e.map->pick_severity(&e, e.severity);
        if (e.map->status.words)
                e.status = pick(&e, &e.map->status, e.class->statuses);
        buf_clear(&o->rest);
        put_rows(&e, plan, &o->rest);
        status = buf_status(out);
        if (status == 0)
                status = buf_status(&o->rest);
        (void)ocsf_scratch(&e);
        if (status == 0)
                status = e.failed;
        if (status < 0) {
                out->n = MIN_OF(before, out->n);
                out->status = 0;
                return err_sys(err, status, "OCSF event of entry %llu",
                               (unsigned long long)in->index);
        }
        return 0;
}
