/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_source.h - a YAML or JSON file of a package as values with places.  Floor 3, process
 * assay-job.
 *
 * Source: YAML 1.2.2, section 10.3 (core schema).  Of what it allows this takes what JSON has, too:
 *
 *   in quotes, or a block      a string
 *   null Null NULL ~ nothing   null
 *   true True TRUE false ...   a boolean
 *   12 -1.5 +3 .5 1e3          a number, spelled as RFC 8259 wants it: 3, 0.5
 *   0123 0x1F 0o17 .inf .nan   SOURCE_ODD_NUMBER, with one warning for all of a file: numbers
 * there, too, but JSON has none of them, and other readers take 0123 as octal or as a string.
 * Examples and such may hold them; where a value is used they are refused anything else a string;
 * yes, no, on and off with a warning, since YAML 1.1 had them as booleans
 *
 * Keys are strings however they are written, as the 200 of a response is.  Refused, with their
 * place: merge keys; no key; a key twice in a map; tags, anchors and aliases (yaml.h).
 *
 * SECURITY: the bytes are hostile. */
#ifndef JOB_YAML_SOURCE_H
#define JOB_YAML_SOURCE_H

#include "base/err.h"
#include "package/source/lint.h"

enum {
        YAML_SOURCE_DEPTH_MAX = 192,
        YAML_SOURCE_NODES_MAX = 4 * 1000 * 1000,
        YAML_SOURCE_MEMORY_MAX = 512 << 20, /* while it is read, beside the caller's arena */
};

/* A build_yaml_fn (package/build.h): ctx is not looked at.  Faults are added to l, of l->file; a
 * value or key that is refused does not end the reading.  -EINVAL: no YAML, or more of it than is
 * read, which is the last fault; -E2BIG: longer than a package may be; -ENOMEM, also when the
 * arena's ceiling is reached. */
MUST_USE int yaml_source(void *ctx, struct span text, struct arena *arena, struct lint *l,
                         const struct source_node **ret, struct err *err);

#endif
