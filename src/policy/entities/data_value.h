/* SPDX-License-Identifier: Apache-2.0 */
/* data_value.h - JSON to values, by what a schema says or as it comes.  Floor 2, pure. */
#ifndef POLICY_DATA_VALUE_H
#define POLICY_DATA_VALUE_H

#include "policy/entities/data_check.h"
#include "wire/tree.h"

struct data_reader {
        const struct cedar_schema *schema; /* NULL: none */
        struct arena *arena;               /* for what is read */
        struct err *err;
};

/* type: NULL when nothing is known of it.  With a type the value has it, and the schema allows the
 * entities in it. */
MUST_USE int data_read_value(struct data_reader *r, const struct tree *t,
                             const struct cedar_type *type, const struct data_path *path,
                             struct cedar_value *ret);

/* The same for an object that is a record for certain, no escape. */
MUST_USE int data_read_record(struct data_reader *r, const struct tree *t,
                              const struct cedar_type *type, const struct data_path *path,
                              struct cedar_value *ret);

/* {"type": ..., "id": ...}, or that in an "__entity". */
MUST_USE int data_read_uid(struct data_reader *r, const struct tree *t,
                           const struct data_path *path, struct cedar_uid *ret);

/* -EINVAL unless t is of this kind. */
MUST_USE int data_expect(struct data_reader *r, const struct tree *t, enum tree_kind kind,
                         const struct data_path *path);

#endif
