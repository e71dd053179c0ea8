/* SPDX-License-Identifier: Apache-2.0 */
/* data_check.h - what entities, requests and their readers check alike.  Floor 2, pure. */
#ifndef POLICY_DATA_CHECK_H
#define POLICY_DATA_CHECK_H

#include "policy/entities/data.h"

/* A step into a value: a field, or the item of a set. */
struct data_path {
        const struct data_path *up; /* NULL at the top */
        const char *what;           /* NULL, or at the top: "attribute ", with a field or without */
        struct span field;
        uint32_t item;
        bool in_set;
};

/* Sets *err to "attribute x.y[2]: <text>"; returns -EINVAL. */
int data_fail(struct err *err, const struct data_path *path, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

/* The value of a call said here too, as err.h does it. */
#define data_fail(...)                                                                             \
        ({                                                                                         \
                (void)(data_fail)(__VA_ARGS__);                                                    \
                -EINVAL;                                                                           \
        })

/* Whether the schema allows this uid wherever it allows its type: an enumerated type has the id, an
 * action is declared. */
MUST_USE int data_check_uid(const struct cedar_schema *s, const struct cedar_uid *uid,
                            const struct data_path *path, struct err *err);

/* cedar_schema_check_value() at a place. */
MUST_USE int data_check_value(const struct cedar_schema *s, const struct cedar_type *type,
                              const struct cedar_value *v, const struct data_path *path,
                              struct err *err);

/* Whether it is `Action` or `NS::Action`. */
bool data_is_action(struct span type);

/* `User::"a"`, shown to a person: bytes that would upset a terminal escaped, long ones cut. */
enum { DATA_UID_SHOWN = 160 };
void data_uid_print(const struct cedar_uid *uid, char out[DATA_UID_SHOWN]);

#endif
