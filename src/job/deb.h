/* SPDX-License-Identifier: Apache-2.0 */
/* deb.h - what a Debian package holds: deb(5).  Private to the job "deb".  Floor 3.
 *
 *   off len  (ar, deb(5): members in this order, each with this header before it)
 *    0  16   name: debian-binary, control.tar[.*], data.tar[.*]; _* are for others
 *   16  12   time, 28 6 user, 34 6 group, 40 8 mode: not used
 *   48  10   size, decimal
 *   58   2   0x60 0x0a
 * A member of odd size has one more byte behind it.
 *
 * Read by hand and not by libarchive, because dpkg knows no long names and no other order, and what
 * it would not unpack must not explain a file.
 *
 * Facts, in this order; they count when the job has ended well (wire/deb_fact.h reads them):
 *   {"architecture":"amd64","fact":"package","package":"hello","version":"2.10-3"}
 *   {"fact":"control","name":"postinst","sha256":"...","size":12}     one per file of control.tar
 *   {"fact":"conffile","path":"/etc/hello.conf","remove":false}
 *   {"fact":"file","gid":0,"group":"root","mode":493,"path":"/usr/bin/hello","sha256":"...",
 *    "size":5,"type":"file","uid":0,"user":"root"}                   one per entry of data.tar
 *   {"fact":"deb","files":2,"sha256":"...","size":52832}               the file as a whole
 * A name that is no UTF-8 is "..._b64".  type is file, dir, symlink (with "target"), fifo, char or
 * block (with "major" and "minor").  A hard link is a file with what it is linked to as "link"; its
 * other members are those of that file.  Paths are absolute and plain; a path may come twice, and
 * then the last is what dpkg leaves. */
#ifndef JOB_DEB_H
#define JOB_DEB_H

#include "job/job.h"
#include "job/unpack.h"

struct deb_limits {
        uint64_t file;     /* bytes of the package */
        uint64_t unpacked; /* bytes of data.tar's files together */
        uint64_t control;  /* of control.tar's */
        uint32_t entries;  /* of either archive */
        size_t names;      /* bytes of paths kept to resolve hard links */
};

extern const struct deb_limits deb_limits;

enum { DEB_PATH_MAX = 4095, DEB_TEXT_MAX = 1024 * 1024 /* of control and conffiles */ };

struct deb {
        struct job_out *out;
        const struct deb_limits *limits;
        struct file_in in;
        struct sha256_ctx *sha; /* of the entry at hand */
        struct buf text;        /* of control or conffiles */
        char path[DEB_PATH_MAX + 2];
        uint32_t entries; /* of the archive at hand */
        uint32_t files;   /* told */
};

/* The whole package.  -EBADMSG and what dpkg would not accept or could not be meant well. */
MUST_USE int deb_read(struct job_out *out, int fd, const struct deb_limits *limits,
                      struct err *err);

/* An opened archive's entries; both put facts. */
MUST_USE int deb_read_control(struct deb *d, struct unpack *u, struct err *err);
MUST_USE int deb_read_data(struct deb *d, struct unpack *u, struct err *err);

/* The archive's next entry, its path in d->path.  1, 0 at the end. */
MUST_USE int deb_next(struct deb *d, struct unpack *u, struct err *err);

/* d->path from a name, as dpkg understands it: "./usr//bin/" is "/usr/bin", "" and "./"
 * are "/".  -EBADMSG for a "." or ".." inside. */
MUST_USE int deb_set_path(struct deb *d, const char *name, struct err *err);

/* The content of the entry at hand; what is above keep goes only into the hash. */
MUST_USE int deb_hash(struct deb *d, struct unpack *u, size_t keep, uint64_t *ret_size,
                      char ret_hex[2 * SHA256_LEN + 1], struct err *err);

#endif
