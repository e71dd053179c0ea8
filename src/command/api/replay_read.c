/* SPDX-License-Identifier: Apache-2.0 */
/* replay_read.c - calls out of the ledger, for assay api replay.  Floor 3.  SECURITY: entries are
 * other people's bytes; json_check() has seen them. */
#include "command/api/replay.h"

#include "base/clock.h"
#include "base/text.h"

enum {
        NAME_CUT = 159, /* what a name in an entry is cut to is as long at least */
        LIST_MAX = 4096,
};

static enum replay_known known_of(enum field_state s)
{
        static const enum replay_known known[] = {
                [FIELD_ABSENT] = REPLAY_UNRECORDED, [FIELD_CLEAR] = REPLAY_KNOWN,
                [FIELD_DISCLOSED] = REPLAY_KNOWN,   [FIELD_SEALED] = REPLAY_SEALED,
                [FIELD_ERASED] = REPLAY_ERASED,     [FIELD_MISSING] = REPLAY_LOST,
        };

        return known[s];
}

/* ---- what its kind has ---- */

int replay_check_kind(const struct view *v, struct err *err)
{
        struct json_value value;

        if (!v->kind)
                return err_set(err, -EINVAL, "entry %llu: no such kind of this version is known",
                               (unsigned long long)v->index);
        for (size_t i = 0; i < v->kind->n_fields; i++) {
                const struct kind_field *f = &v->kind->fields[i];
                const enum field_state s = view_field(v, f->path, &value);
                const bool there = s == FIELD_CLEAR || s == FIELD_DISCLOSED;

                if (there ? !kind_field_fits(f, value, false) : f->flags & KIND_REQUIRED)
                        return err_set(err, -EINVAL, "entry %llu: %s: not as its kind has it",
                                       (unsigned long long)v->index, f->path);
        }
        return 0;
}

/* ---- texts ---- */

static bool keep(struct json_value v, struct arena *arena, struct span *ret)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
        const char *copy;

        if (!json_value_text(v, &text) || buf_status(&text) < 0)
                return false;
        copy = arena_copy(arena, buf_span(&text));
        if (copy)
                *ret = span_of(copy, text.n);
        return copy;
}

struct span replay_text(const struct view *v, const char *path, struct arena *arena)
{
        struct json_value value;
        struct span s = SPAN_NONE;

        if (view_field(v, path, &value) == FIELD_CLEAR)
                (void)!keep(value, arena, &s);
        return s;
}

/* A sensitive text; what was too long is told by its digest. */
static enum replay_known sensitive(const struct view *v, const char *path, struct arena *arena,
                                   struct span *ret)
{
        struct json_value value;
        enum replay_known known = known_of(view_field(v, path, &value));

        if (known != REPLAY_KNOWN)
                return known;
        return keep(value, arena, ret) ? REPLAY_KNOWN : REPLAY_LEFT_OUT;
}

/* As json_put_u64() writes it. */
static uint64_t number(const struct view *v, const char *path)
{
        struct json_value value;
        struct span text;
        uint64_t large;
        int64_t n;

        if (view_int(v, path, &n))
                return n > 0 ? (uint64_t)n : 0;
        return view_field(v, path, &value) == FIELD_CLEAR && json_value_plain(value, &text) &&
                               text_to_u64(text, &large) == 0
                       ? large
                       : 0;
}

/* ---- lists ---- */

/* -EINVAL: it is none, or one that is longer than a gateway's are. */
static int count_items(struct json_value list, uint32_t *ret)
{
        struct json_value item;
        struct json_iter it;
        uint32_t n = 0;

        if (list.type != JSON_ARRAY)
                return -EINVAL;
        it = json_iter_of(list);
        while (n <= LIST_MAX && json_next(&it, NULL, &item))
                n++;
        *ret = n;
        return n <= LIST_MAX ? 0 : -EINVAL;
}

/* Texts, or the first item of lists.  A list that is not there has none. */
static int read_names(const struct view *v, const char *path, struct arena *arena,
                      const struct span **ret, uint32_t *ret_n)
{
        struct json_value list, item, pair[2];
        struct json_iter it;
        struct span *names;
        uint32_t n = 0;
        int rc;

        if (view_field(v, path, &list) != FIELD_CLEAR)
                return 0;
        rc = count_items(list, &n);
        if (rc < 0)
                return rc;
        names = arena_alloc(arena, ((size_t)n + 1) * sizeof *names);
        if (!names)
                return -ENOMEM;
        n = 0;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); n++) {
                if (item.type == JSON_ARRAY && json_value_items(item, pair, 2))
                        item = pair[0];
                if (!keep(item, arena, &names[n]))
                        return item.type == JSON_STRING ? -ENOMEM : -EINVAL;
        }
        *ret = names;
        *ret_n = n;
        return 0;
}

/* ---- the caller ---- */

static int read_tree(struct json_value v, struct arena *arena, const struct tree **ret)
{
        struct tree *t = arena_alloc(arena, sizeof *t);
        const char *copy = arena_copy(arena, v.raw);

        if (!t || !copy)
                return -ENOMEM;
        if (tree_read(span_of(copy, v.raw.n), arena, t, NULL) < 0)
                return arena->full ? -E2BIG : -EINVAL;
        *ret = t;
        return 0;
}

/* Were names made safe, or cut?  Then nobody knows what they were. */
static bool are_exact(const struct replay_call *c)
{
        for (uint32_t i = 0; i < c->n_groups; i++)
                if (c->groups[i].n >= NAME_CUT || memchr(c->groups[i].p, '?', c->groups[i].n))
                        return false;
        return true;
}

static int take_groups(struct replay_call *c, const struct tree *list, struct arena *arena)
{
        struct span *groups = arena_alloc(arena, ((size_t)list->n + 1) * sizeof *groups);

        if (!groups)
                return -ENOMEM;
        for (uint32_t i = 0; i < list->n; i++) {
                if (list->items[i].kind != TREE_STRING) {
                        c->known.groups = REPLAY_LEFT_OUT;
                        return 0;
                }
                groups[i] = list->items[i].text;
        }
        c->groups = groups;
        c->n_groups = list->n;
        c->known.groups = REPLAY_KNOWN;
        return 0;
}

/* who.asked has them where what.groups cannot. */
static int read_groups(struct replayed *r, const struct view *v, const struct tree *who)
{
        struct replay_call *c = &r->call;
        const struct tree *list = who ? tree_get(who, "groups") : NULL;
        const bool whole = number(v, "what.groups_left_out") == 0;
        int rc = read_names(v, "what.groups", &r->arena, &c->groups, &c->n_groups);

        if (rc < 0)
                return rc;
        if (list && list->kind == TREE_ARRAY)
                return take_groups(c, list, &r->arena);
        if (whole && are_exact(c))
                c->known.groups = REPLAY_KNOWN;
        else if (who)
                c->known.groups = number(v, "what.asked_left_out") ? REPLAY_LEFT_OUT
                                  : whole                          ? REPLAY_KNOWN
                                                                   : REPLAY_UNRECORDED;
        else
                c->known.groups =
                        c->known.claims == REPLAY_KNOWN ? REPLAY_UNRECORDED : c->known.claims;
        return 0;
}

static int read_caller(struct replayed *r, const struct view *v)
{
        struct replay_call *c = &r->call;
        const struct tree *who = NULL, *client;
        struct json_value value;
        int rc = 0;

        c->scheme = replay_text(v, "what.scheme", &r->arena);
        c->known.caller = sensitive(v, "who.user", &r->arena, &c->caller);
        c->known.claims = known_of(view_field(v, "who.asked", &value));
        if (c->known.claims == REPLAY_KNOWN)
                rc = read_tree(value, &r->arena, &who);
        if (rc < 0)
                return rc;
        if (who) {
                c->claims = tree_get(who, "claims");
                client = tree_get(who, "tls_client");
                c->has_client = client && client->kind == TREE_STRING;
                if (c->has_client)
                        c->tls_client = client->text;
        }
        return read_groups(r, v, who);
}

/* ---- the request ---- */

static int read_request(struct replayed *r, const struct view *v)
{
        struct replay_call *c = &r->call;
        struct json_value value;

        c->operation = replay_text(v, "what.operation", &r->arena);
        c->method = replay_text(v, "what.method", &r->arena);
        c->object_type = replay_text(v, "what.object_type", &r->arena);
        c->tls_version = replay_text(v, "what.tls", &r->arena);
        c->time_ms = v->wall_ns / NS_PER_MS;
        c->known.object = sensitive(v, "what.object", &r->arena, &c->object_id);
        if (!c->object_type.n)
                c->known.object = REPLAY_UNRECORDED;
        c->known.address = sensitive(v, "who.address", &r->arena, &c->address);
        c->known.asked = known_of(view_field(v, "what.asked", &value));
        return c->known.asked == REPLAY_KNOWN ? read_tree(value, &r->arena, &c->asked) : 0;
}

static void read_judge(struct replayed *r, const struct view *v, const uint8_t *sha256)
{
        const struct span hex = replay_text(v, "what.sha256", &r->arena);

        r->has_judge = text_from_hex(hex, r->judge, PACKAGE_HASH) == 0;
        r->call.same_package = r->has_judge && memcmp(r->judge, sha256, PACKAGE_HASH) == 0;
}

int replay_read_call(struct replayed *r, const struct view *v, const uint8_t *sha256,
                     struct err *err)
{
        struct span id = replay_text(v, "what.call", &r->arena);
        const char *where = "what.operation";
        int rc = -EINVAL;

        if (!id.n || id.n > REPLAY_ID_MAX || !v->has_time)
                return err_set(err, r->arena.full ? -E2BIG : rc,
                               "entry %llu: no call has this id or this time",
                               (unsigned long long)v->index);
        memcpy(r->id, id.p, id.n);
        r->index = v->index;
        r->wall_ns = v->wall_ns;
        r->allowed = span_eq_str(v->entry.kind, "api.intent");
        r->reason = replay_text(v, "what.reason", &r->arena);
        r->detail = replay_text(v, "what.detail", &r->arena);
        r->policies_left_out = number(v, "what.policies_left_out");
        r->faults_left_out = number(v, "what.faults_left_out");
        read_judge(r, v, sha256);
        rc = read_request(r, v);
        if (rc == 0) {
                where = "who.asked or what.groups";
                rc = read_caller(r, v);
        }
        if (rc == 0) {
                where = "what.policies or what.faults";
                rc = read_names(v, "what.policies", &r->arena, &r->policies, &r->n_policies);
        }
        if (rc == 0)
                rc = read_names(v, "what.faults", &r->arena, &r->faults, &r->n_faults);
        if (rc < 0)
                return err_set(err, rc, "entry %llu: %s: %s", (unsigned long long)v->index, where,
                               rc == -EINVAL ? "not as its kind has it" : strerror(-rc));
        return 0;
}

/* ---- refusals ---- */

/* Where there was no room to tell refusals apart, or the process that had counted them was killed,
 * the entry has no API. */
enum replay_telling replay_telling_of(const struct view *v, struct span api, struct arena *arena,
                                      uint64_t *n, struct span *reason)
{
        struct json_value value;
        const bool any = view_field(v, "what.api", &value) == FIELD_ABSENT,
                   ours = !any && span_eq(replay_text(v, "what.api", arena), api);
        const uint64_t count = number(v, "what.count");
        bool judged;

        *n = count ? count : 1;
        *reason = replay_text(v, "what.reason", arena);
        judged = replay_is_judged(*reason) || span_eq(*reason, SPAN("several"));
        if (judged && count && (any || ours))
                return any ? REPLAY_TELLS_ANY : REPLAY_TELLS_COUNTED;
        if (!ours)
                return REPLAY_TELLS_NOTHING;
        return judged && view_field(v, "what.operation", &value) == FIELD_CLEAR
                       ? REPLAY_TELLS_ONE
                       : REPLAY_TELLS_REFUSED;
}

/* ---- outcomes ---- */

static bool read_word(struct json_value v, enum replay_read *ret)
{
        static const char *const words[] = { [REPLAY_CLEAR] = "\"clear\"",
                                             [REPLAY_MASKED] = "\"masked\"",
                                             [REPLAY_WITHHELD] = "\"withheld\"" };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (span_eq_str(v.raw, words[i])) {
                        *ret = (enum replay_read)i;
                        return true;
                }
        return false;
}

static void find_read(const struct replayed *r, const struct api *api, struct replay_seen *s)
{
        s->gone = true;
        for (uint32_t i = 0; i < r->result.n_reads && s->gone; i++)
                if (span_eq(api->classes[r->result.reads[i].class], s->class)) {
                        s->now = r->result.reads[i].read;
                        s->gone = false;
                }
}

static bool is_seen(const struct replayed *r, struct span class)
{
        for (uint32_t i = 0; i < r->n_seen; i++)
                if (span_eq(r->seen[i].class, class))
                        return true;
        return false;
}

/* Another document may have the class at a place that had none, or another one.  All of an answer
 * that was shown in clear is shown as it was where the class is clear. */
static int find_unmet(struct replayed *r, const struct api *api)
{
        struct span *list;
        bool clear = true;
        uint32_t n = 0;

        if (r->call.same_package)
                return 0;
        list = arena_alloc(&r->arena, ((size_t)r->result.n_reads + 1) * sizeof *list);
        if (!list)
                return -ENOMEM;
        for (uint32_t i = 0; i < r->n_seen; i++)
                clear = clear && r->seen[i].was == REPLAY_CLEAR;
        for (uint32_t i = 0; i < r->result.n_reads; i++) {
                const struct replay_class *c = &r->result.reads[i];

                if (!is_seen(r, api->classes[c->class]) && !(clear && c->read == REPLAY_CLEAR))
                        list[n++] = api->classes[c->class];
        }
        r->unmet = list;
        r->n_unmet = n;
        return 0;
}

static int read_seen(struct replayed *r, const struct view *v, const struct api *api)
{
        struct json_value list, item, part[3];
        struct replay_seen *seen;
        struct json_iter it;
        uint32_t n = 0;
        int rc;

        if (view_field(v, "what.reads", &list) != FIELD_CLEAR)
                return 0;
        rc = count_items(list, &n);
        if (rc < 0)
                return rc;
        seen = arena_alloc(&r->arena, ((size_t)n + 1) * sizeof *seen);
        if (!seen)
                return -ENOMEM;
        n = 0;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); n++) {
                if (!json_value_items(item, part, ARRAY_LEN(part)) ||
                    !keep(part[0], &r->arena, &seen[n].class) || !read_word(part[2], &seen[n].was))
                        return -EINVAL;
                find_read(r, api, &seen[n]);
        }
        r->seen = seen;
        r->n_seen = n;
        return 0;
}

/* The entry of another call, or of another version of the kind, says nothing of this one. */
static bool is_end_of(const struct replayed *r, const struct view *v)
{
        struct arena arena = ARENA_INIT(1 << 16);
        const bool same = span_eq(replay_text(v, "what.operation", &arena), r->call.operation) &&
                          span_eq(replay_text(v, "what.method", &arena), r->call.method) &&
                          span_eq(replay_text(v, "what.object_type", &arena), r->call.object_type);

        arena_done(&arena);
        return same;
}

int replay_read_outcome(struct replayed *r, const struct view *v, const struct api *api,
                        struct err *err)
{
        int rc;

        if (!is_end_of(r, v))
                return err_set(err, -EINVAL,
                               "entry %llu: the outcome of another call than entry "
                               "%llu, and has its id",
                               (unsigned long long)v->index, (unsigned long long)r->index);
        rc = read_seen(r, v, api);
        if (rc == -EINVAL)
                return err_set(err, rc, "entry %llu: what.reads: not as its kind has it",
                               (unsigned long long)v->index);
        if (rc == 0)
                rc = find_unmet(r, api);
        return rc < 0 ? err_sys(err, rc, "what a call has read") : 0;
}
