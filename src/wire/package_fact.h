/* SPDX-License-Identifier: Apache-2.0 */
/* package_fact.h - what the job "package" tells of the sources of an API, for those who start it.
 * Floor 1, pure.
 *
 * The job is started without arguments; its input is the sources as wire/package_input.h has them,
 * so it opens nothing.  It answers:
 *   {"column":3,"fact":"fault","file":"openapi.yaml","level":"error","line":5,"text":"..."}
 *   {"data":"<base64>","fact":"piece"}       of the body (package/file.h), in order
 *   {"errors":0,"fact":"built","more":0,"sha256":"<of the body>","size":1234,"warnings":2}
 *                                            the last one; sha256 and size only without errors
 *
 * SECURITY: facts come from a process that has read hostile bytes. */
#ifndef WIRE_PACKAGE_FACT_H
#define WIRE_PACKAGE_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        PACKAGE_FACT_PIECE_MAX = 16 * 1024,
        PACKAGE_FACT_FILE_MAX = 255,
        PACKAGE_FACT_TEXT_MAX = 400,
        PACKAGE_FACT_HASH = 32,
};

enum package_fact_kind { PACKAGE_FACT_FAULT, PACKAGE_FACT_PIECE, PACKAGE_FACT_BUILT };

struct package_fact {
        enum package_fact_kind kind;
        /* FAULT */
        bool warning;
        uint32_t line, column; /* 0: of the whole file */
        char file[PACKAGE_FACT_FILE_MAX + 1];
        char text[PACKAGE_FACT_TEXT_MAX + 1];
        /* PIECE */
        uint8_t data[PACKAGE_FACT_PIECE_MAX];
        size_t data_n;
        /* BUILT */
        uint32_t errors, warnings, more; /* more: faults that were not told */
        bool whole;                      /* sha256 and size are there */
        uint8_t sha256[PACKAGE_FACT_HASH];
        uint64_t size;
};

/* The job's side: into an open object. */
void package_fact_put(struct json_writer *w, const struct package_fact *f);

/* -EBADMSG and the member.  *ret is large: keep it off small stacks. */
MUST_USE int package_fact_parse(struct span fact, struct package_fact *ret, struct err *err);

#endif
