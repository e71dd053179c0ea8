/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_ref.c - references within an OpenAPI document.  Floor 2, pure.
 *
 * Sources: RFC 6901 (JSON Pointer, as a fragment: section 6), RFC 3986 section 2.1. */
#include "package/openapi/openapi_priv.h"

#include "base/text.h"

bool oa_unescape(struct span s, uint8_t *out, size_t *ret_n)
{
        size_t n = 0;

        while (s.n > 0)
                if (!text_percent_next(&s, &out[n++]))
                        return false;
        *ret_n = n;
        return true;
}

/* A token of a pointer: %41 first, then ~0 and ~1.  False: it is none. */
static bool unescape_token(struct span token, uint8_t *out, size_t *ret_n)
{
        size_t n = 0, kept = 0;

        if (!oa_unescape(token, out, &n))
                return false;
        for (size_t i = 0; i < n; i++) {
                if (out[i] != '~') {
                        out[kept++] = out[i];
                        continue;
                }
                if (i + 1 == n || (out[i + 1] != '0' && out[i + 1] != '1'))
                        return false;
                out[kept++] = out[++i] == '0' ? '~' : '/';
        }
        *ret_n = kept;
        return true;
}

static const struct source_node *item_at(struct oa *r, const struct source_node *list,
                                         struct span index)
{
        uint64_t n;

        return text_to_u64(index, &n) < 0 ? NULL : oa_item(r, list, n);
}

/* Behind the "#". */
static const struct source_node *walk(struct oa *r, struct span pointer)
{
        const struct source_node *at = r->root;
        uint8_t *out = oa_scratch(r, pointer.n, 1);

        while (out && at && pointer.n > 0) {
                const uint8_t *end = memchr(pointer.p + 1, '/', pointer.n - 1);
                size_t n = end ? (size_t)(end - pointer.p) : pointer.n, key_n = 0;

                if (!unescape_token(span_of(pointer.p + 1, n - 1), out, &key_n))
                        return NULL;
                at = at->kind == SOURCE_LIST ? item_at(r, at, span_of(out, key_n))
                                             : oa_member(r, at, span_of(out, key_n));
                pointer = span_from(pointer, n);
        }
        return out ? at : NULL;
}

const struct source_node *oa_resolve(struct oa *r, const struct source_node *ref)
{
        const struct source_node *found;
        struct span s;

        if (!oa_want_text(r, ref, API_PATH_MAX, &s))
                return NULL;
        if (s.p[0] != '#') {
                lint_error(r->l, &ref->mark,
                           "\"%.*s\" is in another file: a document is read alone, bundle it "
                           "into one first (redocly bundle does this)",
                           OA_NAME(s));
                return NULL;
        }
        if (s.n < 2 || s.p[1] != '/') {
                lint_error(r->l, &ref->mark,
                           "\"%.*s\" is no reference to a place such as "
                           "#/components/schemas/Account",
                           OA_NAME(s));
                return NULL;
        }
        found = walk(r, span_from(s, 1));
        if (!found && r->rc == 0)
                lint_error(r->l, &ref->mark, "there is no \"%.*s\" in this document", OA_NAME(s));
        return found;
}

/* What is not a schema is taken from its own section, or from within the paths. */
static bool in_section(struct oa *r, const struct source_node *ref, const char *section)
{
        struct span rest = ref->text;

        if (!span_starts(rest, SPAN("#/components/")))
                return true;
        rest = span_from(rest, sizeof("#/components/") - 1);
        if (span_starts(rest, span_str(section)) && rest.n > strlen(section) &&
            rest.p[strlen(section)] == '/')
                return true;
        lint_error(r->l, &ref->mark, "\"%.*s\" is none of #/components/%s", OA_NAME(ref->text),
                   section);
        return false;
}

static void check_alone(struct oa *r, const struct source_node *node)
{
        for (const struct source_node *m = node->child; m; m = m->next)
                if (!span_eq_str(m->key, "$ref") && !span_eq_str(m->key, "summary") &&
                    !span_eq_str(m->key, "description"))
                        lint_error(r->l, &m->key_mark,
                                   "\"%.*s\" stands beside a $ref and has no effect: say it "
                                   "where that leads to",
                                   OA_NAME(m->key));
}

const struct source_node *oa_follow(struct oa *r, const struct source_node *node,
                                    const char *section)
{
        const struct source_node *start = node, *ref;
        unsigned n = 0;

        while (node && (ref = source_get(node, "$ref"))) {
                if (n++ == 0)
                        check_alone(r, node);
                if (n > OA_REFS_MAX) {
                        lint_error(r->l, &start->mark,
                                   "this $ref leads through more than %d others, or in a circle",
                                   OA_REFS_MAX);
                        return NULL;
                }
                node = oa_resolve(r, ref);
                if (node && !in_section(r, ref, section))
                        return NULL;
        }
        return node;
}
