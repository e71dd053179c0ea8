/* SPDX-License-Identifier: Apache-2.0 */
/* source_tree.h - a source file's values as a tree of JSON.  Floor 2, pure. */
#ifndef PACKAGE_SOURCE_TREE_H
#define PACKAGE_SOURCE_TREE_H

#include "base/arena.h"
#include "package/source/lint.h"
#include "wire/tree.h"

/* Borrows from node, the rest lies in arena.  Numbers that are no whole ones of 64 bits become
 * TREE_REAL.  -EINVAL: nests deeper than TREE_DEPTH_MAX, or a number of more than TREE_REAL_MAX
 * characters: the first is in l; -ENOMEM. */
MUST_USE int source_tree(const struct source_node *node, struct arena *arena, struct lint *l,
                         struct tree *ret, struct err *err);

#endif
