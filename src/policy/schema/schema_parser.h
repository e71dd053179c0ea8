/* SPDX-License-Identifier: Apache-2.0 */
/* schema_parser.h - what the files that read the Cedar form of schemas share.  Floor 2, pure.
 *
 * As in parser.h false is an error that p.rc and p.err tell. */
#ifndef POLICY_SCHEMA_PARSER_H
#define POLICY_SCHEMA_PARSER_H

#include "policy/parse/parser.h"
#include "policy/schema/decl.h"

struct schema_parser {
        struct parser p;
        struct decl_schema *d;
        struct span ns; /* the one that is being read */
};

/* At an identifier with this text: the words of schemas are reserved nowhere. */
static inline bool schema_at(const struct schema_parser *s, const char *word)
{
        return parser_at(&s->p, TOKEN_IDENT) && span_eq_str(s->p.token.text, word);
}

/* The place of the next token; NULL: no memory. */
MUST_USE const struct decl_at *schema_here(struct schema_parser *s);

/* Consumes a token of this kind where there is one: *ret tells. */
MUST_USE bool schema_accept(struct schema_parser *s, enum cedar_token_kind kind, bool *ret);

/* An identifier or a string. */
MUST_USE bool schema_name(struct schema_parser *s, const char *wanted, struct span *ret);

/* A name, not `__cedar`, for something that is declared here. */
MUST_USE bool schema_new_name(struct schema_parser *s, const char *wanted, struct span *ret);

/* `A::B`, not yet known to mean anything. */
MUST_USE bool schema_path(struct schema_parser *s, const char *wanted, struct span *ret);

/* One or more with commas between, each read by `one`. */
typedef bool schema_one(struct schema_parser *s, struct span *ret);
MUST_USE bool schema_some(struct schema_parser *s, schema_one *one, struct decl_name **ret);

/* `A`, `[A, B]`, `[]`: entity types. */
MUST_USE bool schema_entity_types(struct schema_parser *s, struct decl_name **ret);

/* All that stand here. */
MUST_USE bool schema_annotations(struct schema_parser *s);

MUST_USE bool schema_type(struct schema_parser *s, struct decl_type **ret);

#endif
