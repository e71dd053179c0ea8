/* SPDX-License-Identifier: Apache-2.0 */
/* kind.h - the one table of what may be recorded, by whom, with which fields.  Floor 1, pure.
 *
 * A kind is a name, a version, an owner process and fields with types.  A published kind stays
 * readable for ever; new fields get a new version.  docs/kinds.md is printed from this table by
 * tools/print-kinds. */
#ifndef WIRE_KIND_H
#define WIRE_KIND_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum kind_type {
        KIND_TEXT,   /* string */
        KIND_INT,    /* integer */
        KIND_BOOL,   /* true or false */
        KIND_TIME,   /* RFC 3339 string as text_time() writes */
        KIND_DIGEST, /* string of 64 lower-case hex digits */
        KIND_U64,    /* as json_put_u64() writes: integer >= 0, or a decimal string */
        KIND_LIST,   /* array, items unchecked */
        KIND_OBJECT, /* object, members unchecked */
};

enum kind_flags {
        KIND_REQUIRED = 1u << 0,
        KIND_SENSITIVE = 1u << 1, /* never in the skeleton; only as a sensitive field */
        KIND_BYTES = 1u << 2,     /* text that may not be UTF-8: also accepted as <name>_b64 */
};

enum { KIND_FIELDS_MAX = 128 };

struct kind_field {
        const char *path; /* dotted: "what.path" */
        enum kind_type type;
        unsigned flags;
        const char *about; /* one line for docs/kinds.md */
};

struct kind {
        const char *name;
        int v;
        const char *owner; /* process: recorder, sensor, job, gateway, bridge, hub, ... */
        unsigned ocsf;     /* OCSF class_uid it exports to; how: wire/ocsf_kinds.c */
        const char *about;
        const struct kind_field *fields; /* ascending by path; ends with path NULL */
        size_t n_fields;                 /* at most KIND_FIELDS_MAX */
};

/* Sorted by name, then version; each kind's fields by path.  A test watches over both, for
 * kind_find() halves the table and kind_check() walks fields and members side by side. */
extern const struct kind kind_table[];
extern const size_t kind_count;

/* By name and version; NULL when unknown. */
const struct kind *kind_find(struct span name, int64_t v);

/* The field parent.key ("what", "path"; parent empty: key is the whole path), also where key is its
 * base64 form: *ret_b64.  NULL when the kind has none. */
const struct kind_field *kind_field_find(const struct kind *k, struct span parent, struct span key,
                                         bool *ret_b64);
/* Is v of the field's type (in_b64: base64 text)? */
bool kind_field_fits(const struct kind_field *f, struct json_value v, bool in_b64);

/* Does this skeleton (checked JSON, with k, t, v) fit: known kind, owned by proc, every member
 * known and of its type, required ones present, no sensitive one in clear? sensitive: names of the
 * sensitive fields that travel beside it; each must be marked so. -EACCES: proc does not own the
 * kind.  -EINVAL: anything else, the field named; a name that is not in the table is the writer's
 * own words, and stands between double quotes. */
MUST_USE int kind_check(struct span skeleton, const char *proc, const struct span *sensitive,
                        size_t n_sensitive, struct err *err);

#endif
