/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_priv.h - what the files of the export share: rows, classes, kinds.  Floor 1, pure.
 *
 * A row is one attribute of an event: its place in the schema, what fills it, out of which field of
 * the entry.  The rows that hold for a kind are those of all events, of its class and of itself
 * (the later replaces an earlier one with the same place), less those whose field it has not. */
#ifndef WIRE_OCSF_PRIV_H
#define WIRE_OCSF_PRIV_H

#include "wire/ocsf.h"

/* What became of a field. */
enum ocsf_said {
        OCSF_NOTHING, /* the attribute is left out */
        OCSF_PARTLY,  /* not exactly, or not all of it: it stays in unmapped as well */
        OCSF_EXACTLY,
};

enum ocsf_when {
        OCSF_ALWAYS = 0,       /* if the field is there, or the row names none */
        OCSF_EVEN_ABSENT = 1,  /* also if its field is not */
        OCSF_WITH_PROCESS = 2, /* if it is known which process did it */
        OCSF_WITH_RESULT = 4,  /* if there are two states of a file */
};

/* A word of an entry and the schema's number for it.  A list ends with from NULL: any other. */
struct ocsf_word {
        const char *from;
        int id;
        const char *caption; /* NULL: the schema's; for 99 the word itself */
};

/* A number picked by what a field says. */
struct ocsf_choice {
        const char *field; /* NULL, or absent in the entry: the word that ends the list */
        const struct ocsf_word *words;
        const char *instead; /* field whose text says what a 99 of an absent field is; or NULL */
};

struct ocsf_value {
        struct json_value json;
        bool there, b64;
        uint8_t claims; /* index of the field this is the value of */
};

struct ocsf_pick {
        int id;
        struct json_value word; /* its own word, where the schema has none */
        const char *caption;
};

struct ocsf_event;

struct ocsf_row {
        const char *path; /* "file.hashes[].value": [] is an array with one object */
        enum ocsf_said (*put)(struct ocsf_event *e, const struct ocsf_row *row,
                              const struct ocsf_value *v);
        const char *field; /* path in the entry; NULL: needs none */
        unsigned when;
        int observable; /* its type_id; 0: none */
        const char *text;
        int number;
        const struct ocsf_word *words;
};

/* FROM("file.path", text, "what.path"): filled by ocsf_put_text() from that field. */
#define FROM(at, how, from, ...)                                                                   \
        {                                                                                          \
                .path = (at), .put = ocsf_put_##how, .field = (from), ##__VA_ARGS__                \
        }
/* Without a field: made of the event as a whole, a text, a number. */
#define MADE(at, how)                                                                              \
        {                                                                                          \
                .path = (at), .put = ocsf_put_##how                                                \
        }
#define SAYS(at, what)                                                                             \
        {                                                                                          \
                .path = (at), .put = ocsf_put_const, .text = (what)                                \
        }
#define IS(at, what)                                                                               \
        {                                                                                          \
                .path = (at), .put = ocsf_put_const, .number = (what)                              \
        }

struct ocsf_rows {
        const struct ocsf_row *at;
        size_t n;
};
#define OCSF_ROWS(...)                                                                             \
        {                                                                                          \
                (const struct ocsf_row[]){ __VA_ARGS__ },                                          \
                        ARRAY_LEN(((const struct ocsf_row[]){ __VA_ARGS__ }))                      \
        }

struct ocsf_class {
        unsigned uid;
        const char *caption;
        const struct ocsf_word *activities; /* from is not used */
        const struct ocsf_word *statuses;
        struct ocsf_rows rows;
};

/* A kind; or one of several things that a kind tells of, by their name. */
struct ocsf_map {
        const char *kind;
        unsigned class_uid; /* another class than the kind's; 0: the kind's */
        struct ocsf_choice activity, severity, status; /* status without words: none */
        bool control;                                  /* the profile security_control holds */
        struct ocsf_rows rows;

        /* What it tells of, where that is told otherwise; NULL: as this says. */
        const struct ocsf_map *(*find)(const struct ocsf_event *e);
        /* For what a table cannot say; or NULL: before the rows, and upon what was picked. */
        void (*prepare)(struct ocsf_event *e);
        struct ocsf_pick (*pick_activity)(const struct ocsf_event *e, struct ocsf_pick picked);
        struct ocsf_pick (*pick_severity)(const struct ocsf_event *e, struct ocsf_pick picked);
};

extern const struct ocsf_map ocsf_maps[]; /* sorted by kind */
extern const size_t ocsf_map_count;
extern const struct ocsf_map ocsf_map_unknown;
extern const struct ocsf_map ocsf_state_maps[]; /* tables of state.change */
extern const size_t ocsf_state_count;
extern const struct ocsf_rows ocsf_common;
extern const struct ocsf_word ocsf_categories[], ocsf_severities[], ocsf_file_types[];

/* NULL when there is none. */
const struct ocsf_class *ocsf_class_find(unsigned uid);
const struct ocsf_map *ocsf_map_find(const char *kind);
const struct ocsf_map *ocsf_state_find(const struct ocsf_event *e);

/* ---- one event in the making ---- */

/* Fields that every entry has, behind those of the kind. */
enum ocsf_envelope { OCSF_ID, OCSF_K, OCSF_HOST, OCSF_PROC, OCSF_T, OCSF_V, OCSF_ENVELOPE };
enum { OCSF_VALUES = KIND_FIELDS_MAX + OCSF_ENVELOPE, OCSF_OBSERVABLES = 24 };

struct ocsf_event {
        const struct ocsf_input *in;
        const struct ocsf_class *class;
        const struct ocsf_map *map;
        struct ocsf_value value[OCSF_VALUES];
        bool claimed[OCSF_VALUES];
        unsigned has; /* enum ocsf_when */
        struct ocsf_pick activity, severity, status;
        struct {
                const struct ocsf_row *row;
                size_t at, n; /* its value in out */
        } observable[OCSF_OBSERVABLES];
        size_t n_observables;
        struct buf *out;
        struct buf *scratch; /* through ocsf_scratch() */
        int failed;          /* the first failure of scratch */
};

/* Cleared for another use; that it failed before is not forgotten. */
struct buf *ocsf_scratch(struct ocsf_event *e);

/* The value of a field by its path; NULL: it is not there. */
const struct ocsf_value *ocsf_find(const struct ocsf_event *e, const char *path);
bool ocsf_is(const struct ocsf_event *e, const char *path, const char *text);

/* What no row has claimed: the content of unmapped. */
void ocsf_put_rest(struct ocsf_event *e, struct buf *out);

/* ---- what fills a row ---- */

#define OCSF_PUT(name)                                                                             \
        enum ocsf_said ocsf_put_##name(struct ocsf_event *e, const struct ocsf_row *row,           \
                                       const struct ocsf_value *v)

OCSF_PUT(const); /* row->text, else row->number */
OCSF_PUT(true);
OCSF_PUT(text);    /* text; base64 undone and made safe; absent: row->text */
OCSF_PUT(as_is);   /* any JSON */
OCSF_PUT(int);     /* an integer */
OCSF_PUT(string);  /* an integer as text */
OCSF_PUT(ms);      /* a time in milliseconds */
OCSF_PUT(octal);   /* "0644" as a number */
OCSF_PUT(base);    /* behind the last slash */
OCSF_PUT(word);    /* number of a word; absent: of the field that row->text names */
OCSF_PUT(caption); /* and its caption */
OCSF_PUT(listed);  /* text that is one of the words */
OCSF_PUT(named);   /* array of texts as objects with a name */

/* the event itself */
OCSF_PUT(activity_id);
OCSF_PUT(activity_name);
OCSF_PUT(category_uid);
OCSF_PUT(category_name);
OCSF_PUT(class_uid);
OCSF_PUT(class_name);
OCSF_PUT(type_uid);
OCSF_PUT(type_name);
OCSF_PUT(severity_id);
OCSF_PUT(severity);
OCSF_PUT(status_id);
OCSF_PUT(status);
OCSF_PUT(time);
OCSF_PUT(time_dt);
OCSF_PUT(logged_time);
OCSF_PUT(message);
OCSF_PUT(origin);
OCSF_PUT(index);
OCSF_PUT(uid);
OCSF_PUT(profiles);
OCSF_PUT(enrichments);
OCSF_PUT(raw_data);
OCSF_PUT(raw_size);
OCSF_PUT(raw_hash);

/* who did it */
OCSF_PUT(app);
OCSF_PUT(program);     /* "assay-sensor" */
OCSF_PUT(without_pid); /* row->text where it is not known which process */
OCSF_PUT(ancestry);
OCSF_PUT(parent);
OCSF_PUT(login_user);
OCSF_PUT(login_name);
OCSF_PUT(session);
OCSF_PUT(remote);
OCSF_PUT(ip);
OCSF_PUT(port);

#endif
