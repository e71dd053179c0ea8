/* SPDX-License-Identifier: Apache-2.0 */
/* watchset.h - which paths are watched, under which profile.  Floor 3, pure.
 *
 * A profile has patterns of paths (base/pattern.h), patterns it leaves out, and what to do with
 * what it watches.  A path is of the profile whose pattern says most about it (pattern_rank_cmp),
 * among the profiles that have a pattern for it, or for a directory above it, and leave out
 * neither.  Two patterns of different profiles that say equally much and meet are refused where
 * watch.yaml is read; here the profile that came first has it.
 *
 * Text form, one canonical JSON object a line, members always these; first a profile, then its
 * rules:
 *
 *   {"about":"","attributes":["type","mode"],"deep":0,"keep":false,"max_size":0,"mode":"alert",
 *    "owners":[],"profile":"name","volatile":false}
 *   ... "deep":0,"execute":"known","keep":false ...             where not all may be executed
 *   {"column":5,"exclude":false,"line":12,"pattern":"/etc","profile":"name"}
 *
 * A pattern that is not UTF-8 is pattern_b64.  A rule with profile "" leaves out for all of them.
 *
 * Patterns are kept as a tree of their parts.  To ask for a path is to go down the tree along all
 * branches that fit; a walk of directories keeps its place in it, so that a name costs one step.
 *
 * SECURITY: the text comes from a job that has read YAML, or from the sensor's own files. */
#ifndef INTEGRITY_WATCHSET_H
#define INTEGRITY_WATCHSET_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/pattern.h"

enum {
        WATCH_PATH_MAX = PATTERN_MAX,
        WATCH_PROFILES_MAX = 63,
        WATCH_RULES_MAX = 1024,
        WATCH_WILD_MAX = 1024, /* parts of patterns from their first wildcard on */
        WATCH_NAME_MAX = 64,
        WATCH_ABOUT_MAX = 1024,
        WATCH_OWNERS_MAX = 16,
        WATCH_LINE_MAX = 32 * 1024,
        WATCH_TEXT_MAX = 8 << 20,
};

/* An owner: alone, or with ":" and the path of a program behind it.  See why.h. */
#define WATCH_OWNER_PACKAGES "packages"
#define WATCH_COMMAND_LINE   "command-line"

enum watch_mode { WATCH_LOG, WATCH_ALERT, WATCH_RESTORE, WATCH_DENY, WATCH_MODE_END };

/* Which files here may be executed: any; those whose content is what is trusted, and one that was
 * not read yet is let through or, strict, refused. */
enum watch_execute { WATCH_EXECUTE_ANY, WATCH_EXECUTE_KNOWN, WATCH_EXECUTE_STRICT, WATCH_EXECUTES };

struct watch_profile {
        struct span name, about; /* as all spans here, of the set */
        enum watch_mode mode;
        enum watch_execute execute;
        uint32_t attributes; /* enum record_field that are worth an entry */
        bool keep;           /* content too */
        bool is_volatile;    /* its changes are expected */
        uint64_t max_size;   /* of content to keep; 0: no limit of its own */
        uint64_t deep_s;     /* all content is to be read again within; 0: not asked for */
        struct span owners[WATCH_OWNERS_MAX];
        size_t n_owners;
};

struct watch_rule {
        struct span text; /* of the pattern */
        struct pattern_rank rank;
        size_t profile; /* index; WATCH_PROFILES_MAX: all, then it excludes */
        size_t base_n;  /* bytes of text before the slash of the first part with wildcards */
        bool exclude;
        uint32_t line, column; /* where it was written; 0: nowhere */
        size_t next;           /* of the same pattern: index + 1 */
};

struct watch_node;

/* {0} is an empty set. */
struct watchset {
        struct arena arena;
        struct watch_profile *profiles[WATCH_PROFILES_MAX];
        size_t n_profiles;
        struct watch_rule *rules; /* as they came */
        size_t n, max;
        struct watch_node *nodes; /* the first is "/" */
        size_t n_nodes, max_nodes, n_wild;
};

void watchset_done(struct watchset *w);

/* ---- making one ---- */

/* Copies p.  -EEXIST: there is one of this name; -E2BIG; -EINVAL: a name with other letters than
 * a-z, 0-9, "-" and "_", or an about that is not UTF-8. */
MUST_USE int watchset_add_profile(struct watchset *w, const struct watch_profile *p,
                                  struct err *err);
/* A pattern of a profile, or with WATCH_PROFILES_MAX an exclusion for all.  -EINVAL: it is no
 * pattern; -EEXIST: the profile has it with the other meaning; -E2BIG.  The same twice is fine. */
MUST_USE int watchset_add_rule(struct watchset *w, size_t profile, struct span pattern,
                               bool exclude, uint32_t line, uint32_t column, struct err *err);
/* The same for the profile "command-line", which is made when it is missing: mode alert, all
 * attributes. */
MUST_USE int watchset_add(struct watchset *w, struct span pattern, bool exclude, struct err *err);

/* One line of the text form, without its end.  -EBADMSG; -E2BIG; -ENOMEM. */
MUST_USE int watchset_take(struct watchset *w, struct span line, struct err *err);
/* All lines; errors begin with `name` and the line's number. */
MUST_USE int watchset_parse(struct watchset *w, const char *name, struct span text,
                            struct err *err);

/* The text form: the same set gives the same bytes. */
void watchset_print(const struct watchset *w, struct buf *out);
/* One profile's line; one rule's. */
void watchset_print_profile(const struct watch_profile *p, struct buf *out);
void watchset_print_rule(const struct watchset *set, const struct watch_rule *r, struct buf *out);

/* A member that lists the patterns, "!" before those that leave out: as many as stand in one entry
 * beside others, and a last item that says how many do not. */
struct json_writer;
void watchset_put_patterns(const struct watchset *w, struct json_writer *out, const char *key);

const char *watch_mode_name(enum watch_mode m);
const char *watch_execute_name(enum watch_execute x);

/* ---- asking ---- */

/* The rule that watches this absolute path, NULL when nothing does; its profile. */
const struct watch_rule *watchset_rule(const struct watchset *w, struct span path);
const struct watch_profile *watchset_profile(const struct watchset *w, struct span path);
static inline bool watchset_covers(const struct watchset *w, struct span path)
{
        return watchset_rule(w, path) != NULL;
}

/* The same, and for what only leads to watched places: the profile of one of those.  A symbolic
 * link there is known and told, for what is behind it is not what the pattern means. */
const struct watch_profile *watchset_way_profile(const struct watchset *w, struct span path);
/* Is this state of this path (see record.h) part of what is known: watched, or such a link? */
bool watchset_knows(const struct watchset *w, struct span path, struct span record);

/* May something below this directory be watched by a rule that does not watch the directory? */
bool watchset_leads(const struct watchset *w, struct span dir);

/* Does any rule speak of something below dir?  If not, what holds for dir holds for all of it. */
bool watchset_divides(const struct watchset *w, struct span dir);

/* Is rule i one to begin a walk with?  *ret_base is where: what is before its first wildcard.  No
 * two such walks meet, and all that is watched is below one of them. */
bool watchset_begins(const struct watchset *w, size_t i, struct span *ret_base);

/* A place in the set, for a directory whose names are asked for one by one. */
struct watch_at {
        uint64_t has, left_out;            /* profiles, bit by index */
        uint16_t best[WATCH_PROFILES_MAX]; /* of those in has: the rule that says most */
        uint16_t n;
        uint16_t node[WATCH_WILD_MAX + 2];
};
void watch_at_path(const struct watchset *w, struct span path, struct watch_at *ret);
void watch_at_name(const struct watchset *w, const struct watch_at *dir, struct span name,
                   struct watch_at *ret);
const struct watch_rule *watch_at_rule(const struct watchset *w, const struct watch_at *at);
bool watch_at_leads(const struct watchset *w, const struct watch_at *at);
bool watch_at_divides(const struct watchset *w, const struct watch_at *at);

/* Is path equal to or below top? */
bool path_within(struct span path, struct span top);

#endif
