/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_field.c - members of an OpenAPI document, and memory for what is read.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"
#include "package/source/nearest.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/text.h"

/* ---- memory ---- */

static void *take(struct oa *r, struct arena *a, size_t n, size_t size)
{
        size_t bytes = 0;
        bool fits = size_mul(n, size, &bytes);
        void *p = NULL;

        if (r->rc < 0)
                return NULL;
        if (fits)
                p = arena_alloc(a, bytes);
        if (p)
                return p;
        if (!fits || bytes > a->max - a->used)
                r->rc = err_set(r->err, -E2BIG, "the document comes to more than %d MiB",
                                OPENAPI_MEMORY_MAX >> 20);
        else
                r->rc = err_set(r->err, -ENOMEM, "no memory for the document");
        return NULL;
}

void *oa_keep(struct oa *r, size_t n, size_t size)
{
        return take(r, &r->api->arena, n, size);
}

void *oa_scratch(struct oa *r, size_t n, size_t size)
{
        return take(r, &r->scratch, n, size);
}

struct span oa_keep_text(struct oa *r, struct span text)
{
        uint8_t *p = text.n ? oa_keep(r, text.n, 1) : NULL;

        if (!p)
                return SPAN_NONE;
        memcpy(p, text.p, text.n);
        return span_of(p, text.n);
}

/* ---- what was read already ---- */

static size_t slot_of(const struct oa *r, enum oa_kind kind, const struct source_node *node)
{
        uint64_t h = ((uint64_t)(uintptr_t)node ^ (uint64_t)kind << 56) * 0x9e3779b97f4a7c15u;
        size_t at = (size_t)(h >> 32) & (r->slots_cap - 1);

        while (r->slots[at].node && (r->slots[at].node != node || r->slots[at].kind != kind))
                at = (at + 1) & (r->slots_cap - 1);
        return at;
}

static bool grow_slots(struct oa *r)
{
        struct oa_slot *old = r->slots;
        size_t n = r->slots_cap;
        struct oa_slot *slots = oa_scratch(r, n ? 2 * n : 1024, sizeof *slots);

        if (!slots)
                return false;
        r->slots = slots;
        r->slots_cap = n ? 2 * n : 1024;
        for (size_t i = 0; i < n; i++)
                if (old[i].node)
                        slots[slot_of(r, old[i].kind, old[i].node)] = old[i];
        return true;
}

uintptr_t *oa_memo(struct oa *r, enum oa_kind kind, const struct source_node *node)
{
        struct oa_slot *s;

        if (r->rc < 0 || (2 * r->n_slots >= r->slots_cap && !grow_slots(r)))
                return NULL;
        s = &r->slots[slot_of(r, kind, node)];
        if (!s->node) {
                *s = (struct oa_slot){ .node = node, .kind = kind };
                r->n_slots++;
        }
        return &s->value;
}

static int by_key(const void *a, const void *b)
{
        const struct source_node *const *x = a, *const *y = b;

        return span_cmp((*x)->key, (*y)->key);
}

/* Of a map by key, of a list as it is. */
static const struct source_node *const *index_of(struct oa *r, const struct source_node *map)
{
        uintptr_t *known = oa_memo(r, OA_INDEX, map);
        const struct source_node **at, *m;
        uint32_t n = 0;

        if (!known)
                return NULL;
        if (*known)
                return (const struct source_node *const *)*known;
        at = oa_scratch(r, map->n, sizeof(const struct source_node *));
        if (!at)
                return NULL;
        for (m = map->child; m; m = m->next)
                at[n++] = m;
        if (map->kind == SOURCE_MAP)
                qsort(at, n, sizeof(const struct source_node *), by_key);
        *known = (uintptr_t)at;
        return at;
}

const struct source_node *oa_member(struct oa *r, const struct source_node *map, struct span key)
{
        enum { FEW = 16 };
        const struct source_node wanted = { .key = key }, *const w = &wanted, *m;
        const struct source_node *const *at, *const *found;

        if (map->kind != SOURCE_MAP)
                return NULL;
        if (map->n <= FEW) {
                for (m = map->child; m && !span_eq(m->key, key);)
                        m = m->next;
                return m;
        }
        at = index_of(r, map);
        found = at ? bsearch(&w, at, map->n, sizeof(const struct source_node *), by_key) : NULL;
        return found ? *found : NULL;
}

const struct source_node *oa_item(struct oa *r, const struct source_node *list, uint64_t i)
{
        const struct source_node *const *at = i < list->n ? index_of(r, list) : NULL;

        return at ? at[i] : NULL;
}

/* ---- warnings that are told once ---- */

void oa_note(struct oa *r, enum oa_note_kind kind, struct span name, const struct source_mark *at)
{
        uint32_t i = 0;

        while (i < r->n_notes && (r->notes[i].kind != kind || !span_eq(r->notes[i].name, name)))
                i++;
        if (i == OA_NOTES_MAX)
                i--;
        if (i == r->n_notes)
                r->notes[r->n_notes++] =
                        (struct oa_note){ .kind = kind, .name = name, .mark = *at };
        r->notes[i].n++;
}

static void tell_note(struct oa *r, const struct oa_note *n)
{
        static const char *const texts[][2] = {
                [OA_NOTE_READ_ONLY] = { "readOnly and writeOnly are not enforced: give requests a "
                                        "schema of their own without what callers may not send" },
                [OA_NOTE_DISCRIMINATOR] = { "discriminator chooses nothing: oneOf and anyOf are "
                                            "tried as they are written" },
                [OA_NOTE_FORMAT] = { "format \"", "\" is not known here and not checked" },
                [OA_NOTE_SCOPES] = { "scopes are not checked: policies say who may do what" },
                [OA_NOTE_SERVERS] = { "servers are not looked at: backend.yaml says where calls go "
                                      "to, base in gateway.yaml what their paths begin with" },
                [OA_NOTE_CALLBACKS] = { "callbacks are not served: calls of the back-end do not "
                                        "pass this gateway" },
                [OA_NOTE_WEBHOOKS] = { "webhooks are not served: calls of the back-end do not pass "
                                       "this gateway" },
                [OA_NOTE_EMPTY] = { "allowEmptyValue has no effect: an empty value is checked by "
                                    "the schema as any other" },
                [OA_NOTE_RESERVED] = { "allowReserved has no effect: values are escaped anew" },
                [OA_NOTE_HEADER] = { "header \"", "\" is not described by a parameter or header of "
                                                  "OpenAPI: this is not looked at" },
                [OA_NOTE_OWN_HEADER] = { "header \"",
                                         "\" is the gateway's own to a back-end: what a "
                                         "caller sends in it is not looked at" },
                [OA_NOTE_ANYBODY] = { "no security is said: anybody may call this, as far as "
                                      "policies let them; say security: [] where this is meant" },
                [OA_NOTE_ANY_JSON] = { "no schema: any JSON fits, and nothing in it is masked" },
                [OA_NOTE_MEDIA_PARAMETER] = { "parameters of a media type are not looked at" },
        };

        const char *const *t = texts[n->kind];

        if (n->n == 1)
                lint_warning(r->l, &n->mark, "%s%.*s%s", t[0], OA_NAME(n->name), t[1] ? t[1] : "");
        else
                lint_warning(r->l, &n->mark, "%s%.*s%s (the first of %u places)", t[0],
                             OA_NAME(n->name), t[1] ? t[1] : "", (unsigned)n->n);
}

void oa_refuse(struct oa *r, const struct source_mark *at, const char *text)
{
        uint32_t i = 0;

        while (i < r->n_refusals && r->refusals[i].text != text)
                i++;
        if (i == r->n_refusals && i < OA_NOTES_MAX)
                r->refusals[r->n_refusals++] = (struct oa_refusal){ .text = text };
        if (i == OA_NOTES_MAX || r->refusals[i].n++ < OA_TOLD_MAX)
                lint_error(r->l, at, "%s", text);
        else if (r->refusals[i].n == OA_TOLD_MAX + 1)
                r->refusals[i].mark = *at;
}

void oa_tell_notes(struct oa *r)
{
        for (uint32_t i = 0; i < r->n_notes; i++)
                tell_note(r, &r->notes[i]);
        for (uint32_t i = 0; i < r->n_refusals; i++) {
                const struct oa_refusal *f = &r->refusals[i];

                if (f->n > OA_TOLD_MAX)
                        lint_error(r->l, &f->mark, "%s (here and in %u places behind it)", f->text,
                                   (unsigned)(f->n - OA_TOLD_MAX - 1));
        }
}

/* ---- values ---- */

int oa_order(const struct source_mark *a, const struct source_mark *b)
{
        int c = (a->line > b->line) - (a->line < b->line);

        return c ? c : (a->column > b->column) - (a->column < b->column);
}

int oa_shown(struct span name)
{
        size_t n = MIN_OF(name.n, (size_t)OA_SHOWN_MAX);

        while (n < name.n && n > 0 && (name.p[n] & 0xc0) == 0x80)
                n--;
        return (int)n;
}

/* How what is written here becomes what is wanted. */
static const char *advice_for(enum source_kind wanted, enum source_kind is)
{
        if (wanted == SOURCE_STRING &&
            (is == SOURCE_NUMBER || is == SOURCE_ODD_NUMBER || is == SOURCE_BOOL))
                return ": write it in quotes";
        if (wanted == SOURCE_NUMBER && is == SOURCE_ODD_NUMBER)
                return ": write it in decimal without a 0 in front";
        return "";
}

bool oa_want(struct oa *r, const struct source_node *v, enum source_kind kind)
{
        const char *advice = advice_for(kind, v->kind);

        if (v->kind == kind)
                return true;
        if (v->key.n)
                lint_error(r->l, &v->mark, "\"%.*s\" is to be %s, not %s%s", OA_NAME(v->key),
                           source_kind_name(kind), source_kind_name(v->kind), advice);
        else
                lint_error(r->l, &v->mark, "%s is wanted here, not %s%s", source_kind_name(kind),
                           source_kind_name(v->kind), advice);
        return false;
}

static bool has_control(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < ' ' || s.p[i] == 0x7f)
                        return true;
        return false;
}

bool oa_want_text(struct oa *r, const struct source_node *v, size_t max, struct span *ret)
{
        const char *lead = v->key.n ? "\"" : "this", *trail = v->key.n ? "\"" : "";

        if (!oa_want(r, v, SOURCE_STRING))
                return false;
        if (v->text.n == 0)
                lint_error(r->l, &v->mark, "%s%.*s%s is empty", lead, OA_NAME(v->key), trail);
        else if (v->text.n > max)
                lint_error(r->l, &v->mark, "%s%.*s%s has %zu bytes, at most %zu are taken", lead,
                           OA_NAME(v->key), trail, v->text.n, max);
        else if (has_control(v->text))
                lint_error(r->l, &v->mark, "%s%.*s%s has a control character in it", lead,
                           OA_NAME(v->key), trail);
        else
                return *ret = v->text, true;
        return false;
}

bool oa_want_bool(struct oa *r, const struct source_node *v, bool *ret)
{
        if (!oa_want(r, v, SOURCE_BOOL))
                return false;
        *ret = v->boolean;
        return true;
}

bool oa_want_some(struct oa *r, const struct source_node *v, enum source_kind kind, uint32_t max,
                  const char *what)
{
        if (!oa_want(r, v, kind))
                return false;
        if (v->n > max)
                lint_error(r->l, &v->mark, "%u %s, at most %u are taken", (unsigned)v->n, what,
                           (unsigned)max);
        return v->n <= max;
}

/* ---- members of objects ---- */

bool oa_is_extension(struct span key)
{
        return span_starts(key, SPAN("x-"));
}

const struct oa_field *oa_field(const struct oa_field *fields, size_t n, struct span name)
{
        for (size_t i = 0; i < n; i++)
                if (span_eq_str(name, fields[i].name))
                        return &fields[i];
        return NULL;
}

/* Letters alone: "x-Data_Class" and "xDataClasses" are meant to be ours, too. */
static bool looks_like(struct span key, const char *ours)
{
        size_t n = strlen(ours), at = 0;

        for (size_t i = 0; i < key.n; i++) {
                if (key.p[i] == '-' || key.p[i] == '_')
                        continue;
                if (at == n)
                        return (key.p[i] | 0x20) == 's' || (key.p[i] | 0x20) == 'e';
                if (tolower(key.p[i]) != ours[at++])
                        return false;
        }
        return at == n;
}

/* An extension that is ours but for a slip: what is not known would be passed over, and a value go
 * out in clear. */
static bool is_slip(struct span key, const char *ours, unsigned letters)
{
        return oa_is_extension(key) && nearest_distance(key, span_str(ours)) <= letters;
}

/* The field that was probably meant; NULL. */
static const char *meant(struct span key, const struct oa_field *fields, size_t n)
{
        enum { FIELDS_MAX = 128 };
        struct span names[FIELDS_MAX] = { SPAN_NONE };
        size_t at;

        assert(n <= FIELDS_MAX);
        for (size_t i = 0; i < n; i++)
                names[i] = span_str(fields[i].name);
        at = nearest_of(key, names, n);
        return at < n ? fields[at].name : NULL;
}

/* False: it does not look like one. */
static bool misplaced(struct oa *r, const struct source_node *m, const char *what)
{
        static const struct {
                const char *letters, *name, *place;
                unsigned slip; /* so many letters may differ */
        } ours[] = {
                { "xdataclass", "x-data-class", "a schema", 2 },
                { "xobject", "x-object", "an operation or a path", 1 },
        };

        for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
                if (!looks_like(m->key, ours[i].letters) &&
                    !is_slip(m->key, ours[i].name, ours[i].slip))
                        continue;
                if (span_eq_str(m->key, ours[i].name))
                        lint_error(r->l, &m->key_mark, "%s belongs in %s, not in %s", ours[i].name,
                                   ours[i].place, what);
                else
                        lint_error(r->l, &m->key_mark, "\"%.*s\" means nothing: is it to be %s?",
                                   OA_NAME(m->key), ours[i].name);
                return true;
        }
        return false;
}

static void unknown_field(struct oa *r, const struct source_node *m, const char *what,
                          const struct oa_field *fields, size_t n)
{
        const char *name;

        if (misplaced(r, m, what) || oa_is_extension(m->key))
                return;
        /* of the first faults, which are kept */
        name = r->l->n < LINT_FAULTS_MAX ? meant(m->key, fields, n) : NULL;
        if (name)
                lint_error(r->l, &m->key_mark, "there is no \"%.*s\" in %s: is it to be \"%s\"?",
                           OA_NAME(m->key), what, name);
        else
                lint_error(r->l, &m->key_mark, "there is no \"%.*s\" in %s", OA_NAME(m->key), what);
}

void oa_later(struct oa *r, const struct source_node *v, void *out)
{
        (void)r;
        (void)v;
        (void)out;
}

void oa_fields(struct oa *r, const struct source_node *map, const char *what,
               const struct oa_field *fields, size_t n, void *out)
{
        const struct source_node *m;

        if (!oa_want(r, map, SOURCE_MAP))
                return;
        for (m = map->child; m && r->rc == 0; m = m->next) {
                const struct oa_field *f = oa_field(fields, n, m->key);

                if (!f)
                        unknown_field(r, m, what, fields, n);
                else if (f->refused)
                        oa_refuse(r, &m->key_mark, f->refused);
                else if (f->read)
                        f->read(r, m, out);
        }
}
