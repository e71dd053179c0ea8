/* SPDX-License-Identifier: Apache-2.0 */
/* doc_word.h - the words of names, strings and entities.  Floor 2, pure. */
#ifndef POLICY_DOC_WORD_H
#define POLICY_DOC_WORD_H

#include "policy/print/layout.h"

/* `"..."`. */
void doc_string(struct layout *l, struct span s, bool blank);
/* The same of a pattern: its stars bare, those of the text escaped. */
void doc_pattern(struct layout *l, const struct cedar_pattern *p, bool blank);
/* `A::B`, word by word. */
void doc_path(struct layout *l, struct span path, bool blank);
/* `A::B::"id"`. */
void doc_uid(struct layout *l, const struct cedar_uid *uid, bool blank);
/* An attribute's name: bare where it is an identifier, else in quotes. */
void doc_name(struct layout *l, struct span name, bool blank);

#endif
