/* SPDX-License-Identifier: Apache-2.0 */
/* cedar_files.h - Cedar policies, schemas, entities and links from the files a user names. Floor 3.
 *
 * Every error names the file.  "-" is standard input; each file has a ceiling (-EFBIG). */
#ifndef COMMAND_POLICY_CEDAR_FILES_H
#define COMMAND_POLICY_CEDAR_FILES_H

#include "policy/ast/ast.h"
#include "policy/entities/data.h"
#include "policy/schema/schema.h"

enum { CEDAR_FILE_MAX = CEDAR_SOURCE_MAX, CEDAR_DATA_MAX = 256 * 1024 * 1024 };

/* A file's bytes; ends with cedar_text_done(). */
struct cedar_text {
        uint8_t *p;
        size_t n;
};
MUST_USE int cedar_text_read(const char *path, size_t max, struct cedar_text *ret, struct err *err);
void cedar_text_done(struct cedar_text *t);

/* How the path is called in messages. */
const char *cedar_file_name(const char *path);

MUST_USE int cedar_files_policies(const char *path, struct cedar_policies **ret, struct err *err);
/* Both forms: JSON begins with a brace, Cedar text never does. */
MUST_USE int cedar_files_schema(const char *path, struct cedar_schema **ret, struct err *err);
/* Sealed; schema may be NULL. */
MUST_USE int cedar_files_entities(const char *path, const struct cedar_schema *schema,
                                  struct cedar_entities **ret, struct err *err);

/* Makes policies of templates: a JSON array of
 *   {"template_id": "policy0", "link_id": "new", "args": {"?principal": "User::\"alice\""}}
 * where a template is named by its id or its @id, and a value is Cedar or {"type": , "id": }. */
MUST_USE int cedar_files_link(const char *path, struct cedar_policies *p, struct err *err);

/* `policy3 "name"`: the id, and the @id where there is one. */
void cedar_put_policy_name(struct buf *out, const struct cedar_policy *p);

#endif
