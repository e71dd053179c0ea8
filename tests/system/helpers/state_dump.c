/* SPDX-License-Identifier: Apache-2.0 */
/* state_dump - what a sensor believes, from its state directory, one JSON object a line.
 *
 *   state_dump DIRECTORY
 *
 * For tests that compare it with the disk: snapshot and journal are read as the sensor reads them
 * at its start, values are told as they are kept. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/trusted/state.h"
#include "sys/io.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES = 4 << 20 };

static void die(const char *what, const struct err *err)
{
        fprintf(stderr, "state_dump: %s: %s\n", what, err_text(err));
        exit(1);
}

static void put_hex(struct json_writer *w, const char *key, const uint8_t digest[RECORD_HASH])
{
        char hex[2 * RECORD_HASH + 1];

        text_hex(span_of(digest, RECORD_HASH), hex);
        json_member_text(w, key, hex);
}

static void put_base64(struct json_writer *w, const char *key, struct span s)
{
        struct buf b = BUF_INIT(LINE_BYTES);

        text_put_base64(&b, s);
        json_put_key(w, key);
        json_put_string(w, buf_span(&b));
        buf_done(&b);
}

/* [name in base64, SHA-256 of the value], in the order they are kept. */
static void put_attrs(struct json_writer *w, const struct record *r)
{
        static const char *const names[RECORD_PARTS] = {
                [RECORD_ACL] = "system.posix_acl_access",
                [RECORD_ACL_DEFAULT] = "system.posix_acl_default",
                [RECORD_CAPS] = "security.capability",
                [RECORD_LABEL] = "security.selinux",
        };
        struct span rest = r->attrs;
        struct record_attr a;
        char hex[2 * RECORD_HASH + 1];
        uint8_t digest[SHA256_LEN];

        json_put_key(w, "attrs");
        json_begin_array(w);
        while (record_next_attr(&rest, &a)) {
                struct span name = names[a.part] ? span_str(names[a.part]) : a.name;
                struct buf b = BUF_INIT(LINE_BYTES);

                if (a.digest)
                        memcpy(digest, a.digest, sizeof digest);
                else
                        sha256(a.value, digest);
                text_hex(span_of(digest, sizeof digest), hex);
                text_put_base64(&b, name);
                json_begin_array(w);
                json_put_string(w, buf_span(&b));
                json_put_string(w, span_str(hex));
                json_end_array(w);
                buf_done(&b);
        }
        json_end_array(w);
}

static void dump(const struct table_node *n, struct buf *path, struct buf *out)
{
        struct json_writer w;
        struct err err = { 0 };
        struct record r;
        char mtime[24];

        if (record_decode(table_record(n), &r, &err) < 0)
                die("record", &err);
        buf_clear(path);
        table_path(n, path);
        buf_clear(out);
        json_writer_init(&w, out);
        json_begin_object(&w);
        put_attrs(&w, &r);
        json_member_int(&w, "gid", r.gid);
        json_member_text(&w, "hash", record_hash_name(r.hash));
        json_member_u64(&w, "ino", r.ino);
        put_base64(&w, "link", r.link);
        json_member_int(&w, "mode", r.mode);
        snprintf(mtime, sizeof mtime, "%lld", (long long)r.mtime_ns); /* more than JSON holds */
        json_member_text(&w, "mtime_ns", mtime);
        json_member_int(&w, "nlink", r.nlink);
        put_base64(&w, "path", buf_span(path));
        json_member_u64(&w, "rdev", r.rdev);
        put_hex(&w, "sha256", r.sha256);
        json_member_u64(&w, "size", r.size);
        json_member_text(&w, "type", record_type_name(r.type));
        json_member_int(&w, "uid", r.uid);
        json_end_object(&w);
        if (buf_status(path) < 0 || buf_status(out) < 0)
                die("line", NULL);
        printf("%s\n", buf_cstr(out));
}

int main(int argc, char **argv)
{
        struct buf path = BUF_INIT(1 << 20), out = BUF_INIT(LINE_BYTES);
        struct table_node *root, *n;
        struct state_found found;
        struct table *t = NULL;
        struct err err = { 0 };
        struct state s;

        if (argc != 2) {
                fputs("usage: state_dump DIRECTORY\n", stderr);
                return 2;
        }
        if (table_new(&t, &err) < 0 || state_open(&s, &io_kernel, argv[1], t, &found, &err) < 0)
                die(argv[1], &err);
        if (found.damage[0])
                fprintf(stderr, "state_dump: %s\n", found.damage);
        root = table_root(t);
        for (n = root; n; n = table_next(root, n))
                if (n->record)
                        dump(n, &path, &out);
        buf_done(&path);
        buf_done(&out);
        state_found_done(&found);
        state_close(&s);
        table_free(t);
        return found.damage[0] ? 1 : 0;
}
