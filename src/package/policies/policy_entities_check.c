/* SPDX-License-Identifier: Apache-2.0 */
/* policy_entities_check.c - entities held against the schema; see policy_entities.h.  Floor 2,
 * pure.
 *
 * The reader of entities stops at the first that does not fit.  That one is told and left out, and
 * the others are read again, so that one run tells several. */
#include "package/policies/policy_entities.h"

#include "base/text.h"
#include "policy/entities/data.h"
#include "wire/tree.h"

enum { MEMORY_MAX = 512 << 20, FAULTS_MAX = 20, TEXT_MAX = 64 << 20 };

struct entities_check {
        const struct cedar_schema *schema;
        struct lint *l;
        struct err *err;
        struct arena arena;
        struct tree *items;               /* those that are still read, in their order */
        const struct source_node **nodes; /* where each was written; NULL: it was made */
        uint32_t n;
};

/* ---- places ---- */

/* Behind "entity 12", its number. */
static const char *take_number(const char *text, uint32_t *ret)
{
        const struct span word = SPAN("entity ");
        struct span s = span_str(text);
        size_t digits = 0;
        uint64_t v;

        if (!span_starts(s, word))
                return NULL;
        s = span_from(s, word.n);
        while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
                digits++;
        if (text_to_u64(span_of(s.p, digits), &v) < 0 || v > UINT32_MAX)
                return NULL;
        *ret = (uint32_t)v;
        return text + word.n + digits;
}

/* The attribute that ": attribute <name>" is about; else the entity. */
static const struct source_mark *find_mark(const struct source_node *entity, const char *text)
{
        static const char word[] = ": attribute ";
        const struct source_node *attrs = source_get(entity, "attrs"), *found = NULL;
        const char *at = strstr(text, word);
        struct buf shown = BUF_INIT(ERR_TEXT_MAX);
        struct span rest = at ? span_str(at + strlen(word)) : SPAN_NONE;

        for (const struct source_node *m = at && attrs ? attrs->child : NULL; m; m = m->next) {
                buf_clear(&shown);
                text_put_safe(&shown, m->key);
                if (buf_status(&shown) == 0 && span_starts(rest, buf_span(&shown)) &&
                    rest.n > shown.n && strchr(".:[", rest.p[shown.n]))
                        found = m;
        }
        buf_done(&shown);
        return found ? &found->key_mark : &entity->mark;
}

/* ---- reading ---- */

static int read_once(struct entities_check *c, struct cedar_entities **ret, struct err *err)
{
        const struct tree all = { .kind = TREE_ARRAY, .n = c->n, .items = c->items };
        CLEANUP(buf_done) struct buf json = BUF_INIT(TEXT_MAX);
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
        int rc;

        tree_print(&all, &json);
        if (buf_status(&json) < 0 || cedar_entities_new(&e) < 0)
                return err_set(err, buf_status(&json) == -E2BIG ? -E2BIG : -ENOMEM,
                               "no memory for entities");
        rc = cedar_entities_read(buf_span(&json), c->schema, e, err);
        if (rc == 0)
                rc = cedar_entities_seal(e, err);
        if (rc < 0)
                return rc;
        *ret = e;
        e = NULL;
        return 0;
}

/* The fault is of the file; false: it is of no one entity. */
static bool tell(struct entities_check *c, const struct err *err)
{
        uint32_t i = 0;
        const char *rest = err->code == -EINVAL ? take_number(err_text(err), &i) : NULL;

        if (!rest || i >= c->n || !c->nodes[i]) {
                lint_error(c->l, NULL, "%s", err_text(err));
                return false;
        }
        rest += strspn(rest, ": ");
        lint_error(c->l, find_mark(c->nodes[i], err_text(err)), "entity %s", rest);
        c->n--;
        memmove(&c->items[i], &c->items[i + 1], (c->n - i) * sizeof *c->items);
        memmove(c->nodes + i, c->nodes + i + 1, (c->n - i) * sizeof(const struct source_node *));
        return true;
}

static int read_all(struct entities_check *c, struct cedar_entities **ret)
{
        struct err err = { 0 };
        bool more = true;
        int rc = 0, told = 0;

        while (more) {
                rc = read_once(c, ret, &err);
                if (rc != -EINVAL && rc != -EEXIST && rc != -ELOOP)
                        break;
                more = tell(c, &err) && ++told < FAULTS_MAX;
        }
        if (rc == -ENOMEM || rc == -E2BIG)
                return err_set(c->err, rc, "%s", err_text(&err));
        if (rc == 0 && told == 0)
                return 0;
        *ret = cedar_entities_free(*ret);
        return err_set(c->err, -EINVAL, "entities.yaml: see the faults");
}

/* Those of the file are the last. */
static int list_items(struct entities_check *c, const struct source_node *root, struct span json)
{
        struct tree all;
        uint32_t at;
        int rc = tree_read(json, &c->arena, &all, c->err);

        if (rc < 0)
                return rc;
        c->n = all.n;
        c->items = arena_alloc(&c->arena, all.n * sizeof *c->items);
        c->nodes = arena_alloc(&c->arena, all.n * sizeof(const struct source_node *));
        if (!c->items || !c->nodes)
                return err_set(c->err, -ENOMEM, "no memory for entities");
        if (all.n)
                memcpy(c->items, all.items, all.n * sizeof *c->items);
        at = all.n - (root ? root->n : 0);
        for (const struct source_node *e = root ? root->child : NULL; e; e = e->next)
                c->nodes[at++] = e;
        return 0;
}

int policy_entities_check(const struct source_node *entities, struct span json,
                          const struct cedar_schema *schema, struct lint *l,
                          struct cedar_entities **ret, struct err *err)
{
        struct entities_check c = {
                .schema = schema, .l = l, .err = err, .arena = ARENA_INIT(MEMORY_MAX)
        };
        struct cedar_entities *e = NULL;
        struct span file = l->file;
        int rc = list_items(&c, entities, json);

        l->file = SPAN("entities.yaml");
        if (rc == 0)
                rc = read_all(&c, &e);
        l->file = file;
        arena_done(&c.arena);
        if (rc == 0)
                *ret = e;
        return rc;
}
