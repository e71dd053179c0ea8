/* SPDX-License-Identifier: Apache-2.0 */
/* api_access.h - who may read or send which data of an API, as a table for people, as JSON and as
 * CSV.  Floor 3. */
#ifndef COMMAND_API_API_ACCESS_H
#define COMMAND_API_API_ACCESS_H

#include "command/command.h"
#include "package/policies/access.h"
#include "wire/json.h"

/* What is shown of each row; ctx of access_take_fn. */
struct api_access {
        const struct invocation *in;
        const struct package *package;
        char sha256[2 * PACKAGE_HASH + 1]; /* of the package */
        bool writes, all;                  /* all: also who sees nothing */
        bool only;                         /* not all callers and operations were asked about */
        struct buf *out;
        /* The class at hand, for people: its rows so far, and who sees nothing in any of its
         * operations. */
        uint32_t class; /* API_NONE: none yet */
        struct table table;
        uint32_t *numbers; /* that policies are told by, 0: not yet */
        uint32_t n_numbers;
        size_t n_rows;
        struct buf nothing;   /* names, joined */
        struct span last_who; /* the last name in it, or that has a row */
        bool last_has_row;
        struct buf who; /* last_who lies here */
        struct json_writer w;
};

typedef int api_access_begin_fn(struct api_access *a);
typedef void api_access_end_fn(struct api_access *a);

struct api_access_form {
        api_access_begin_fn *begin;
        access_take_fn *take;
        api_access_end_fn *end; /* also where package_access() failed */
};

extern const struct api_access_form api_access_text, api_access_json, api_access_csv;

/* Caller "x", Group "tellers", ...: as text and CSV name a kind of caller. */
void api_access_put_who(const struct access_who *who, struct buf *out);
/* "in clear", "masked or nothing". */
void api_access_put_sees(const struct access_row *r, struct buf *out);
/* `"staff may look" (policy.cedar:7)`, without a name if it has no @id */
void api_access_put_policy(const struct package *p, const struct cedar_policy *policy,
                           struct buf *out);
/* The file and the line in it; what is in no file is in "policies". */
void api_access_place(const struct package *p, const struct cedar_policy *policy,
                      struct span *ret_file, uint32_t *ret_line);
/* How a class is masked. */
const char *api_access_mask(const struct package *p, uint32_t class);

#endif
