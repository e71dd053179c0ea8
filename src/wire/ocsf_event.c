/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_event.c - attributes that are about the event itself: class, times, origin, proof. */
#include "base/clock.h"
#include "base/text.h"
#include "wire/ocsf_priv.h"

static const char *caption(const struct ocsf_word *list, int id)
{
        for (; list->caption; list++)
                if (list->id == id)
                        return list->caption;
        return "Unknown";
}

static enum ocsf_said put_number(struct ocsf_event *e, uint64_t n)
{
        buf_printf(e->out, "%llu", (unsigned long long)n);
        return OCSF_PARTLY;
}

static enum ocsf_said put_literal(struct ocsf_event *e, const char *text)
{
        json_put_quoted(e->out, span_str(text));
        return OCSF_PARTLY;
}

static enum ocsf_said put_pick(struct ocsf_event *e, const struct ocsf_pick *p)
{
        if (!p->word.raw.n)
                return put_literal(e, p->caption ? p->caption : "Unspecified");
        buf_put(e->out, p->word.raw);
        return OCSF_PARTLY;
}

/* ---- classification ---- */

OCSF_PUT(activity_id)
{
        return put_number(e, (uint64_t)e->activity.id);
}

OCSF_PUT(activity_name)
{
        return put_pick(e, &e->activity);
}

OCSF_PUT(category_uid)
{
        return put_number(e, e->class->uid / 1000);
}

OCSF_PUT(category_name)
{
        return put_literal(e, caption(ocsf_categories, (int)(e->class->uid / 1000)));
}

OCSF_PUT(class_uid)
{
        return put_number(e, e->class->uid);
}

OCSF_PUT(class_name)
{
        return put_literal(e, e->class->caption);
}

OCSF_PUT(type_uid)
{
        return put_number(e, e->class->uid * 100 + (unsigned)e->activity.id);
}

OCSF_PUT(type_name)
{
        buf_printf(e->out, "\"%s: %s\"", e->class->caption,
                   caption(e->class->activities, e->activity.id));
        return OCSF_PARTLY;
}

OCSF_PUT(severity_id)
{
        return put_number(e, (uint64_t)e->severity.id);
}

OCSF_PUT(severity)
{
        return put_pick(e, &e->severity);
}

OCSF_PUT(status_id)
{
        return e->map->status.words ? put_number(e, (uint64_t)e->status.id) : OCSF_NOTHING;
}

OCSF_PUT(status)
{
        return e->map->status.words ? put_pick(e, &e->status) : OCSF_NOTHING;
}

/* ---- times ---- */

/* Nanoseconds of when it was; false: not said. */
static bool time_of(const struct ocsf_event *e, int64_t *ret_ns)
{
        return e->in->entry->time.n && text_to_time(e->in->entry->time, ret_ns) == 0;
}

/* The time in the id, see wire/entry.h. */
/* Milliseconds of when the ledger took it; false: not said. */
static bool logged_ms(const struct ocsf_event *e, int64_t *ret_ms)
{
        static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        struct span id = e->in->entry->id;
        uint64_t ms = 0;

        if (id.n < 11 || id.p[10] != '-' || !e->in->entry->host.n)
                return false;
        for (size_t i = 0; i < 10; i++) {
                const char *at = id.p[i] ? strchr(crockford, id.p[i]) : NULL;

                if (!at)
                        return false;
                ms = ms << 5 | (uint64_t)(at - crockford);
        }
        if (ms >> 48)
                return false;
        *ret_ms = (int64_t)ms;
        return true;
}

OCSF_PUT(time)
{
        int64_t ns;

        return put_number(e, time_of(e, &ns) && ns > 0 ? (uint64_t)(ns / NS_PER_MS) : 0);
}

OCSF_PUT(time_dt)
{
        int64_t ns;

        return time_of(e, &ns) ? ocsf_put_text(e, row, v) : OCSF_NOTHING;
}

OCSF_PUT(logged_time)
{
        int64_t ms;

        return logged_ms(e, &ms) ? put_number(e, (uint64_t)ms) : OCSF_NOTHING;
}

/* ---- the entry ---- */

OCSF_PUT(message)
{
        if (!e->in->message.n)
                return OCSF_NOTHING;
        json_put_quoted(e->out, e->in->message);
        return OCSF_PARTLY;
}

OCSF_PUT(origin)
{
        return put_literal(e, e->in->origin);
}

OCSF_PUT(index)
{
        return put_number(e, e->in->index);
}

static void put_uid(struct ocsf_event *e)
{
        char n[TEXT_U64_MAX + 1];

        (void)ocsf_scratch(e);
        buf_put_str(e->scratch, e->in->origin);
        buf_put_byte(e->scratch, '#');
        buf_put(e->scratch, span_of(n, text_u64(e->in->index, n)));
        json_put_quoted(e->out, buf_span(e->scratch));
}

OCSF_PUT(uid)
{
        if (v && v->json.type == JSON_STRING && !v->b64) {
                buf_put(e->out, v->json.raw);
                return OCSF_PARTLY;
        }
        put_uid(e);
        return OCSF_PARTLY;
}

OCSF_PUT(profiles)
{
        const struct ocsf_value *container = ocsf_find(e, "who.container");

        buf_put_byte(e->out, '[');
        if (container && (e->has & OCSF_WITH_PROCESS))
                buf_put(e->out, SPAN("\"container\","));
        buf_put(e->out, SPAN("\"datetime\",\"host\""));
        if (e->map->control)
                buf_put(e->out, SPAN(",\"security_control\""));
        buf_put_byte(e->out, ']');
        return OCSF_PARTLY;
}

OCSF_PUT(raw_data)
{
        if (!e->in->sha256.n)
                return OCSF_NOTHING;
        json_put_quoted(e->out, e->in->bytes);
        return OCSF_PARTLY;
}

OCSF_PUT(raw_size)
{
        return e->in->sha256.n ? put_number(e, e->in->bytes.n) : OCSF_NOTHING;
}

static void put_hex(struct buf *out, struct span bytes)
{
        char hex[2 * TILE_HASH + 1];

        assert(bytes.n == TILE_HASH);
        text_hex(bytes, hex);
        json_put_quoted(out, span_str(hex));
}

OCSF_PUT(raw_hash)
{
        if (!e->in->sha256.n)
                return OCSF_NOTHING;
        buf_put(e->out, SPAN("{\"algorithm\":\"SHA-256\",\"algorithm_id\":3,\"value\":"));
        put_hex(e->out, e->in->sha256);
        buf_put_byte(e->out, '}');
        return OCSF_PARTLY;
}

/* ---- enrichments ---- */

/* Where the entry is in its ledger: what assay prove and assay verify want to know. */
static void put_proof(struct ocsf_event *e)
{
        buf_put(e->out, SPAN("{\"data\":{\"index\":"));
        put_number(e, e->in->index);
        buf_put(e->out, SPAN(",\"leaf_sha256\":"));
        put_hex(e->out, e->in->leaf);
        buf_put(e->out, SPAN(",\"origin\":"));
        put_literal(e, e->in->origin);
        buf_put(e->out, SPAN("},\"name\":\"metadata.uid\",\"provider\":\"Assay ledger\","
                             "\"type\":\"place in the ledger\",\"value\":"));
        put_uid(e);
        buf_put_byte(e->out, '}');
}

static const char *const why_fields[] = { "why.change", "why.content", "why.detail", "why.package",
                                          "why.state" };

/* Why it was expected, or that it was not. */
static void put_why(struct ocsf_event *e)
{
        const struct ocsf_value *state = ocsf_find(e, "why.state");
        bool first = true;

        if (!state)
                return;
        buf_put(e->out, SPAN(",{\"data\":{"));
        for (size_t i = 0; i < ARRAY_LEN(why_fields); i++) {
                const struct ocsf_value *v = ocsf_find(e, why_fields[i]);

                if (!v)
                        continue;
                buf_printf(e->out, "%s\"%s\":", first ? "" : ",", why_fields[i] + 4);
                buf_put(e->out, v->json.raw);
                e->claimed[v->claims] = true;
                first = false;
        }
        buf_put(e->out, SPAN("},\"name\":\"activity_name\",\"provider\":\"Assay sensor\","
                             "\"type\":\"explanation\",\"value\":"));
        put_pick(e, &e->activity);
        buf_put_byte(e->out, '}');
}

/* Where the session came from. */
static void put_address(struct ocsf_event *e, const char *field, const char *name)
{
        const struct ocsf_value *v = ocsf_find(e, field);
        size_t mark;

        if (!v)
                return;
        buf_put(e->out, SPAN(",{\"data\":{\"ip\":"));
        mark = e->out->n;
        if (ocsf_put_ip(e, NULL, v) == OCSF_NOTHING) {
                if (buf_status(e->out) == 0)
                        e->out->n = mark;
                buf_put(e->out, SPAN("null"));
        }
        buf_put(e->out, SPAN(",\"port\":"));
        if (ocsf_put_port(e, NULL, v) == OCSF_NOTHING)
                buf_put(e->out, SPAN("null"));
        buf_printf(e->out,
                   "},\"name\":\"actor.session\",\"provider\":\"Assay sensor\","
                   "\"type\":\"%s\",\"value\":",
                   name);
        buf_put(e->out, v->json.raw);
        buf_put_byte(e->out, '}');
        e->claimed[v->claims] = true;
}

OCSF_PUT(enrichments)
{
        buf_put_byte(e->out, '[');
        put_proof(e);
        put_why(e);
        put_address(e, "who.address", "source address of the session");
        put_address(e, "who.outer_address", "source address of the outermost session");
        buf_put_byte(e->out, ']');
        return OCSF_PARTLY;
}
