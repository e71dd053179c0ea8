/* SPDX-License-Identifier: Apache-2.0 */
/* sensor.h - the sensor as one object: state, scan, watch, entries.  Floor 3, process assay-sensor.
 *
 *            no state                    scanned: baseline written
 *   start --------------> FIRST ---------------------------------------.
 *     |  state                                                          v
 *     '-----------------> RESCAN (what changed while it was down) --> LIVE <--> RESCAN (after a
 * loss)
 *
 * In FIRST and RESCAN events are read and kept as places; in LIVE the places are looked at.  Every
 * change goes one way: state read again, compared with the table, told:
 *
 *   event -> place -> look -> table, journal -> recorder
 *
 * Back-pressure runs the other way: when the recorder does not take entries, no places are looked
 * at; events are read on and merge into places, until there are as many as there may be.  Then none
 * are read, and the kernel's queue runs over, which is seen, recorded and mended by a rescan.
 * Nothing is dropped in silence. */
#ifndef INTEGRITY_SENSOR_H
#define INTEGRITY_SENSOR_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/pace.h"
#include "integrity/watching/config.h"
#include "wire/proof.h"

struct attempts;
struct late_past;
struct loop;
struct loop_sender;
struct pool;
struct procsource;
struct sensor;

/* What the ledger says of the baseline that is here. */
enum sensor_past {
        PAST_UNKNOWN, /* nothing: it could not be asked, or what it had is pruned or elsewhere */
        PAST_AGREES,
        PAST_NOTED,      /* another one or none, but a note says that this one follows */
        PAST_REPLACED,   /* another one */
        PAST_LOST,       /* there was one, and here is none */
        PAST_UNRECORDED, /* whole, and without an entry of any */
};

/* What a file of the sensor's own is to the ledger, which was told its digest before. */
enum sensor_file {
        SENSOR_FILE_UNKNOWN, /* the ledger could not be read, or there is no such file */
        SENSOR_FILE_TOLD,
        SENSOR_FILE_OTHER,
};

enum { SENSOR_POLL_S = 30 }; /* where marks do not see everything */

struct sensor_options {
        enum sensor_file sessions;
        bool ledger_whole; /* the recorder was there and had published all when it was asked */
        enum sensor_past past;
        struct hash past_root;  /* of the baseline that was there when it was asked; else zero */
        struct span past_entry; /* PAST_AGREES: the ledger's entry of it, borrowed by sensor_start()
                                 */
        bool past_before;       /* which is in one that the ledger succeeded */
        bool past_told;         /* PAST_UNRECORDED: the ledger has the alert that says so */
        struct span told; /* digests in hexadecimal of approved changes and package transactions
                           * that the ledger has */
        struct span info_past;       /* package_past.h: since the last baseline */
        bool info_unsure;            /* there was more of that than there is room for */
        struct late_past *late_past; /* borrowed by sensor_new(), which empties it; NULL: nothing */
        struct span
                contents_told; /* digests of contents that it says an explained change brought */
        const struct clock *clock;
        struct loop *loop;
        struct pool *pool;
        const char *state_dir;        /* /var/lib/assay/sensor */
        const char *ledger_dir;       /* /var/lib/assay/ledger: whether it is another one */
        const char *socket;           /* of the recorder */
        const struct watchset *watch; /* borrowed for the sensor's life: the config's */
        struct config *config;        /* likewise; sensor_configure() changes what is in it */
        char *refused; /* ERR_TEXT_MAX bytes: why it is not the one that was configured; "": it is
                        */
        const char *const *ignore;    /* directories of Assay's own, ended by NULL; missing ones are
                                         fine */
        const char *job_program;      /* assay-job; NULL: users have no names */
        struct procsource *processes; /* borrowed for the sensor's life */
        struct attempts *attempts;    /* likewise; NULL: they are not looked for */
        unsigned connect_ms;          /* how long to wait for the recorder at start */
        int control_fd;        /* a listening socket for administrators, taken over; 0: none */
        const char *keys_file; /* whose signed lists of paths are believed; NULL: nobody's */
        struct content_limits content; /* of the store of trusted content */
        struct pace_limits pace;       /* of scans */
        /* An administrator changed something: show it before he is answered; NULL: nobody asks. */
        void (*changed)(void *ctx);
        /* It has come to rest, and is not what it was: show it soon. */
        void (*rested)(void *ctx);
        void *changed_ctx; /* of both */
        uint64_t deep_s;   /* content is read again within, where no profile says; 0: a day */
        uint64_t poll_s;   /* where marks do not see everything, all is looked at after; 0: 30 */
};

/* Opens what needs rights; nothing runs yet. */
MUST_USE int sensor_new(const struct sensor_options *o, struct sensor **ret, struct err *err);
struct sensor *sensor_free(struct sensor *s);
DEFINE_CLEANUP(struct sensor, sensor_free)

/* Connect, send again what a crash kept back, begin to watch and scan.  Then run the loop. */
MUST_USE int sensor_start(struct sensor *s, struct err *err);

/* Watch this from now on: takes what is in it.  Nothing is missed meanwhile, and what is watched
 * newly becomes part of the trusted state with an entry: see sensor_config.h. */
void sensor_configure(struct sensor *s, struct config *next);
/* Go on as it is: tell that this was refused, and why. */
MUST_USE int sensor_refuse(struct sensor *s, const struct config *c, const char *why);

/* Read again whose lists are believed, and what lists there are: see sensor_sources.h. */
void sensor_reread(struct sensor *s);

/* Tell that it stops, and for whose signal, in good order. */
void sensor_stop(struct sensor *s, const struct loop_sender *asked);

/* Has the first scan ended? */
bool sensor_is_live(const struct sensor *s);

/* What presence.h shows of it; appends a canonical JSON object. */
void sensor_put_status(const struct sensor *s, struct buf *out);

#endif
