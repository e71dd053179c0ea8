/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_package_priv.h - one package transaction, to what runs it (sensor_package.c) and what
 * keeps it over a restart (sensor_package_keep.c).  Floor 3.
 *
 * The file "packages" of the state directory has the transactions that run, one a line, canonical
 * JSON, written before apt's hook is answered:
 *
 *   {"id":"...","packages":[{"action":"upgrade","arch":"amd64","from":"1","name":"hello",
 *    "path":"/var/cache/apt/archives/hello_2_amd64.deb","to":"2"}],"root":4711,"start":"123456"}
 *
 * start is the time of root, in the kernel's ticks.  A line is believed when the ledger has its
 * SHA-256, in the entry of its beginning, and that very process still runs: then everything is read
 * anew, package files, signatures and lists, as at first. */
#ifndef INTEGRITY_SENSOR_PACKAGE_PRIV_H
#define INTEGRITY_SENSOR_PACKAGE_PRIV_H

#include "crypto/sha256.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/why/apt_sources.h"
#include "wire/json.h"

#include <sys/types.h>

struct package_reader;
struct packages;

enum { PACKAGE_RUN_ID_MAX = 64 };

enum package_run_state { PACKAGE_GATHERING, PACKAGE_READING, PACKAGE_KNOWN };

struct package_run {
        struct package_run *older;
        struct sensor *sensor;
        struct packages *table;
        struct package_reader *reader;
        enum package_run_state state;
        pid_t root;
        int pidfd; /* of root; -1: none */
        struct loop_source *root_source, *timer;
        struct who *who; /* of the hook, until its entry is told */
        char id[PACKAGE_RUN_ID_MAX];
        uint64_t root_start;             /* of root, in the kernel's ticks; 0: not known */
        char digest[2 * SHA256_LEN + 1]; /* of its line in the file; "": it is not kept */
        bool again;                      /* it was begun before the sensor was */
        int64_t began_ns;
        struct control_call *asks; /* what is denied of it; NULL: nobody does */
        const char *over;          /* how it ended; NULL: it runs */
        int64_t over_ns, over_wall_ns;
        bool gone; /* the process was, and nobody said that dpkg had ended */
        uint64_t explained, unexplained;
};

/* ---- sensor_package.c ---- */

/* A new one, the newest of s; gathering. */
MUST_USE int package_run_new(struct sensor *s, const char *id, pid_t root, struct package_run **ret,
                             struct err *err);
/* One package, as the command package.begin has it. */
MUST_USE int package_run_take(struct package_run *r, struct json_value item, struct err *err);
/* All are named: read them. */
MUST_USE int package_run_start(struct package_run *r, struct err *err);
/* Forget it. */
void package_run_drop(struct package_run *r);

/* ---- sensor_package_explain.c ---- */

/* Is this one dpkg, or a script of a package, of any transaction? */
bool package_is_of_any(const struct sensor *s, const struct who *who);

/* ---- sensor_package_trust.c ---- */

/* May this file say whose packages are believed?  ctx: the sensor; see struct apt_trust. */
enum apt_standing package_standing(void *ctx, const char *path);

/* ---- sensor_package_denied.c ---- */

/* The answer to package.denied: what dpkg will fail at. */
void package_put_denied(const struct package_run *r, struct buf *out);

/* ---- sensor_package_keep.c ---- */

/* r is about to run: keep it, and know its digest.  Where it cannot be kept, it goes on all the
 * same. */
void package_keep(struct package_run *r);
/* One is over: keep the others. */
void package_kept(struct sensor *s);

#endif
